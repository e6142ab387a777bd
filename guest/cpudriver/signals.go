package cpudriver

import "barreleye/urpc/trace"

const (
	sigILL  = 4
	sigTRAP = 5
	sigABRT = 6
	sigBUS  = 7
	sigFPE  = 8
	sigKILL = 9
	sigSEGV = 11
	sigURG  = 23
	sigPROF = 27

	handlerDefault = 0
	handlerIgnore  = 1

	onStack = 0x0800_0000 // SA_ONSTACK
	noDefer = 0x4000_0000 // SA_NODEFER

	stackDisable = 2 // SS_DISABLE
)

// action is the kernel's struct sigaction.
type action struct{ handler, flags, restorer, mask uint64 }

var actions [65]action

// ignoredByDefault holds the signals whose default action is to do nothing:
// CHLD, CONT, URG, WINCH.
const ignoredByDefault = 1<<(17-1) | 1<<(18-1) | 1<<(sigURG-1) | 1<<(28-1)

func sysSigaction(sig, new, old uint64) uint64 {
	if sig == 0 || sig > 64 {
		return errno(eINVAL)
	}
	a := &actions[sig]
	if old != 0 {
		*typed[action](old) = *a
	}
	if new != 0 {
		*a = *typed[action](new)
	}
	return 0
}

func sysSigprocmask(c *context, how, set, old uint64) uint64 {
	previous := c.mask
	if set != 0 {
		m := load64(set)
		switch how {
		case 0: // SIG_BLOCK
			c.mask |= m
		case 1: // SIG_UNBLOCK
			c.mask &^= m
		case 2: // SIG_SETMASK
			c.mask = m
		default:
			return errno(eINVAL)
		}
	}
	if old != 0 {
		store64(old, previous)
	}
	return 0
}

// sysSigaltstack sets and reports the thread's signal stack (stack_t: address,
// flags, size).
func sysSigaltstack(c *context, new, old uint64) uint64 {
	if old != 0 {
		flags := uint64(0)
		if c.altSize == 0 {
			flags = stackDisable
		}
		store64(old, c.altStack)
		store64(old+8, flags)
		store64(old+16, c.altSize)
	}
	if new != 0 {
		if load32(new+8)&stackDisable != 0 {
			c.altStack, c.altSize = 0, 0
		} else {
			c.altStack, c.altSize = load64(new), load64(new+16)
		}
	}
	return 0
}

func sysTgkill(tid, sig uint64) uint64 {
	if sig > 64 {
		return errno(eINVAL)
	}
	for i := 0; i < contextsTop; i++ {
		if c := &contexts[i]; c.state != free && c.tid == tid {
			monitorPreempts(sig)
			c.post(sig)
			return 0
		}
	}
	return errno(eSRCH)
}

func sysKill(sig uint64) uint64 {
	if sig > 64 {
		return errno(eINVAL)
	}
	postProcess(sig)
	return 0
}

// postProcess posts a signal to a thread that can take it: rather one that runs, or
// will when there is something to do, and not the one that waits for the driver's
// sake, whose goroutine would be in the way in a dump of all.
func postProcess(sig uint64) {
	if sig == 0 {
		return
	}
	taker := &contexts[0]
	for i := contextsTop - 1; i >= 0; i-- {
		c := &contexts[i]
		if c.state == free || c.state >= onLate || c.mask>>(sig-1)&1 != 0 {
			continue
		}
		if c.state == runnable || c.state == inPoll {
			taker = c
			break
		}
		taker = c
	}
	taker.post(sig)
}

// post marks sig pending for c. A blocked call that is not masked against it
// ends, as on Linux: with EINTR where it has done nothing yet.
func (c *context) post(sig uint64) {
	if sig == 0 {
		return
	}
	handler := actions[sig].handler
	if handler == handlerIgnore || handler == handlerDefault && ignoredByDefault>>(sig-1)&1 != 0 {
		return
	}
	c.signals |= 1 << (sig - 1)
	if c.mask>>(sig-1)&1 != 0 {
		return
	}
	switch c.state {
	case inFutex, asleep, inPoll, onInput, onLate, onReceive:
		c.resume(errno(eINTR))
	case onFile:
		if c.progress != 0 {
			c.resume(c.progress) // a write that has moved bytes says how many
		} else {
			c.resume(errno(eINTR))
		}
	}
}

// listens reports whether the program waits to be asked to end (os/signal): the
// runtime keeps a thread for that, which blocks all other signals; no other
// thread of an idle runtime blocks any.
func listens() bool {
	for i := 0; i < contextsTop; i++ {
		if c := &contexts[i]; c.state != free && c.mask != 0 && c.mask&asked != asked {
			return true
		}
	}
	return false
}

// asked holds the signals by which the VMM asks a program to end: INT, TERM.
const asked = 1<<(2-1) | 1<<(15-1)

// deliverPending hands the lowest pending signal to the context about to run. It
// is small enough to be compiled into the path of every system call.
func deliverPending() {
	if c := running(); c.signals&^c.mask != 0 {
		c.deliverNext(c.signals &^ c.mask)
	}
}

// deliverNext hands the lowest of the given signals to c. The profiler's goes first: it
// is about where the program was interrupted, not about where another signal sent it.
func (c *context) deliverNext(deliverable uint64) {
	if prof := uint64(1) << (sigPROF - 1); deliverable&prof != 0 {
		deliverable = prof
	}
	for sig := uint64(1); sig <= 64; sig++ {
		if deliverable>>(sig-1)&1 == 0 {
			continue
		}
		c.signals &^= 1 << (sig - 1)
		if actions[sig].handler <= handlerIgnore {
			if actions[sig].handler == handlerDefault && ignoredByDefault>>(sig-1)&1 == 0 {
				exitCore(128 + sig)
			}
			continue
		}
		if sig == sigURG {
			counters().Preemptions++
			urgent = c.rip
			c.stopped = 1
		}
		trace.Event(trace.Signal, sig, c.tid)
		info := siginfo{code: -6} // SI_TKILL
		if sig == sigPROF {
			info.code = 0x80 // SI_KERNEL, as of setitimer
		}
		deliver(c, sig, info)
		return
	}
}

// signalRequest is the last request of the VMM that was taken.
var signalRequest uint64

// signalWaiting reports whether the VMM posted a signal.
func signalWaiting() bool { return inbox().Signal.Load() != signalRequest }

// takeSignals posts a signal that the VMM asked for: the request's number
// stands above its low 8 bits, which are the signal.
func takeSignals() {
	if r := inbox().Signal.Load(); r != signalRequest {
		signalRequest = r
		if sig := r & 0xff; sig <= 64 {
			postProcess(sig)
		}
	}
}
