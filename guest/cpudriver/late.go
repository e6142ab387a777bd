package cpudriver

import (
	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/urpc"
)

// How a message reaches a goroutine that waits for it while others compute
// (docs/explanation/busy.md).
//
// A core that was found computing by a tick publishes an odd asleep word
// although it runs on: it does not look at its words by itself, so senders have
// to ring. A watch that fired then is late until its goroutine reads it. The
// runtime looks at epoll every 10 ms, and lets a goroutine compute for 10 ms
// before it preempts it. Both are decided by the runtime's monitor thread, by a
// clock that it gets here. So while a watch is late
//
//   - the thread that waits in callLate is resumed. It is in a system call as
//     far as the runtime knows, so its goroutine is queued without epoll;
//   - the monitor thread is woken, and the time it is told is ahead by the
//     slice that the computing goroutine has left: it preempts.

const (
	// monitorTID is the runtime's monitor thread: the first one that it makes.
	monitorTID = 2
	// slice is how long the runtime lets a goroutine compute, in ns, and a bit.
	slice = 10_001_000
	// quickTicks is the part of a tick after which a core that has words to
	// look at is first looked after, soonTicks the one while a watch is late.
	quickTicks, soonTicks = 2, 20
	// minTick is the shortest tick in ns: PVM's timer does not go below.
	minTick = 200_000
)

var (
	lateN  int    // watches that fired and were not read yet
	busy   bool   // a tick found the program computing, and it was not idle since
	tries  int    // hasten's, since a watch is late
	crowd  bool   // one was not enough the last time: several goroutines compute
	ahead  uint64 // ns by which the monitor thread's clock is ahead
	rounds int    // how often it may still look before it sleeps again
	stands uint32 // what the timer was set to last
	urgent uint64 // where the program was when it was last told to preempt
)

// lookWhileBusy looks at the armed words for a program that computes.
func lookWhileBusy(events uint64) {
	ticked := events&pendingTick != 0
	busy = busy || ticked
	if !busy {
		return
	}
	if fired := lookAtWatches(); armedN != 0 && (fired || ticked) {
		// Whoever rang may ring again. After a ring for nothing only from the
		// next tick on: a goroutine that polls gets its messages without, and
		// rings would cost both cores more than the messages do.
		urpc.PublishAsleep(&block().Asleep)
		lookAtWatches()
	}
	if lateN != 0 {
		hasten()
	}
	setTick()
}

// hasten gets goroutines queued whose watches are late, and the computing one
// preempted.
func hasten() {
	for i := 0; i < contextsTop; i++ {
		switch c := &contexts[i]; {
		case c.state == onLate:
			c.state = again
		case c.tid == monitorTID && c.state == asleep:
			c.resume(0)
			ahead, rounds = slice, 2
		}
	}
	tries++
	if crowd {
		tickSoon()
	}
}

// inTime says that no watch is late any more.
func inTime() {
	if tries != 0 {
		crowd, tries = tries > 1, 0
	}
}

// tickSoon sets the timer anew where it stands on a tick that is far off.
func tickSoon() {
	if lateN != 0 {
		armTick(tick(soonTicks))
	}
}

// armTick has the next tick come soon, unless it does anyway.
func armTick(soon uint32) {
	if stands > soon && bootPage().TickSpread == 0 {
		stands = soon
		callGate(gateArm, uint64(soon))
	}
}

// handled looks at where a signal handler returns to. Where the computing
// goroutine could not be preempted where it was, it must be tried again soon.
func handled(rip uint64) {
	if rip == urgent {
		tickSoon()
		if divided { // who stops the world waits 100 us before it tries again
			armTick(uint32(minTick / layout.TimerDivide))
		}
	}
	urgent = 0
}

// stopLooking ends what lookWhileBusy began: the core looks by itself again.
func stopLooking(b *region.Block) {
	if busy {
		busy = false
		urpc.ClearAsleep(&b.Asleep)
	}
	setTick()
}

// tick returns the timer count of the given part of a tick, 0 where there is none.
func tick(part uint64) uint32 {
	whole := bootPage().TickCount
	return uint32(min(whole, max(whole/part, minTick/layout.TimerDivide)))
}

// setTick chooses what the timer is set to next. The first tick that finds the
// program computing comes early, and so do all while a watch is late.
func setTick() {
	switch {
	case bootPage().TickSpread != 0: // takePending draws it
	case busy && lateN != 0:
		rearm = tick(soonTicks)
	case !busy && armedN != 0:
		rearm = tick(quickTicks)
	default:
		rearm = sampled(tick(1))
	}
}

// monitorSleeps decides whether the runtime's monitor thread may sleep. It
// takes one round to see what runs and another to see that it still does.
func monitorSleeps(c *context) bool {
	if c.tid != monitorTID || ahead == 0 {
		return true
	}
	if rounds == 0 {
		ahead = 0
		return true
	}
	rounds--
	ahead += slice
	return false
}

// monitorPreempts notes that the monitor thread has done what it was woken for.
func monitorPreempts(sig uint64) {
	if sig == sigURG && running().tid == monitorTID {
		rounds = 0
	}
}

// told returns the monotonic time ns as the running thread is told it.
func told(ns uint64) uint64 {
	if ahead != 0 && running().tid == monitorTID {
		ns += ahead
	}
	return ns
}

// nextLate returns a watch that is late and was not returned before, or has c
// wait for one where it may.
func nextLate(c *context, wait uint64) uint64 {
	for fd := range filesTop {
		if f := &files[fd]; f.kind == watch && f.c == watchFired && f.owner == 0 {
			f.c = watchLate
			return uint64(fd)
		}
	}
	if wait != 0 {
		c.state = onLate
	}
	return errno(eAGAIN)
}
