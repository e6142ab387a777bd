package cpudriver

import "barreleye/urpc/trace"

// LRPC by hand-over: a context calls a dispatcher and gives it the core, with a
// message in registers; the dispatcher answers, and the core comes back. No trap, no
// run queue: the driver copies five registers from one context to the other and resumes that
// one. Who is called runs on the caller's account until it has answered: a
// caller's share pays for what it asks for, and its priority counts.
//
//	caller                          dispatcher
//	runnable                        onReceive
//	  handOver  ->  inCall            runnable, partner = caller
//	  runnable  <-  reply             onReceive (or runnable, where there is more to do)
//
// Where the dispatcher is not there to receive, the caller is inSend until it is; callers
// are taken in their order. Whoever waits for one that waits for him is told so.
//
// The runtime takes all three waits for system calls (handover_unsafe.go).

// handOver gives the core and the message in c's registers to a dispatcher: RBX is
// what it is about, RSI, RDX, R10, R8 are its words.
func handOver(c *context, name uint64) uint64 {
	slot := dispatcherOf(name)
	if slot == 0 {
		return errno(eSRCH)
	}
	d := &dispatchers[slot]
	if to := &contexts[d.context]; to.state == onReceive {
		pass(c, to)
		switchTo(to)
		return 0
	}
	if waitsFor(slot, c) {
		return errno(eDEADLK)
	}
	d.callers++
	d.last++
	c.state, c.wait, c.progress = inSend, slot, d.last
	return 0
}

// pass hands the message of c, and c's account, to a context that receives.
func pass(c, to *context) {
	c.state, c.wait = inCall, to.dispatcher
	to.resume(UpcallMessage)
	to.partner = indexOf(c) + 1
	to.account = c.account
	words(c, to)
}

// switchTo makes another context current without asking anybody.
func switchTo(c *context) {
	counters().Switches++
	trace.Event(trace.Switch, c.tid, running().tid)
	setCurrent(c)
}

// words copies a message.
func words(from, to *context) {
	to.rbx = from.rbx
	to.rsi, to.rdx, to.r10, to.r8 = from.rsi, from.rdx, from.r10, from.r8
}

// waitsFor reports whether a dispatcher waits, directly or not, for c's to answer.
func waitsFor(slot uint64, c *context) bool {
	for range dispatchers {
		if slot == c.dispatcher {
			return true
		}
		to := &contexts[dispatchers[slot].context]
		if to.state != inCall && to.state != inSend {
			return false
		}
		slot = to.wait
	}
	return true
}

// servedBy returns the caller that a context has not answered yet, or nil. A caller
// leaves its call by an answer only, or with the dispatcher.
func servedBy(c *context) *context {
	if c.partner == 0 {
		return nil
	}
	return &contexts[c.partner-1]
}

// reply answers the caller that c serves, and receives: the core goes back to the
// caller at once.
func reply(c *context, status, timeout uint64) uint64 {
	caller := servedBy(c)
	if caller == nil {
		return receive(c, timeout)
	}
	c.partner = 0
	c.account = c.dispatcher
	caller.resume(status)
	words(c, caller)
	switchTo(caller)
	return receive(c, timeout)
}

// receive waits for an upcall, for so many ns at most.
func receive(c *context, timeout uint64) uint64 {
	d := &dispatchers[c.dispatcher]
	if c.dispatcher == 0 {
		return errno(eINVAL)
	}
	if d.kicked != 0 {
		d.kicked = 0
		return UpcallRun
	}
	c.state, c.deadline = onReceive, forever
	if d.callers != 0 {
		charge() // from here on to the caller
		d.callers--
		pass(firstCaller(c.dispatcher), c)
	} else if timeout != forever {
		c.deadline = after(timeout)
	}
	return UpcallMessage
}

// firstCaller returns the context that has waited longest for a dispatcher.
func firstCaller(slot uint64) (first *context) {
	for i := 0; i < contextsTop; i++ {
		if c := &contexts[i]; c.state == inSend && c.wait == slot && (first == nil || c.progress < first.progress) {
			first = c
		}
	}
	return first
}
