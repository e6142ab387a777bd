package cpudriver

import (
	"barreleye/devices/boot"
	"barreleye/devices/clock"
	"barreleye/devices/doorbell"
	"barreleye/devices/layout"
	"barreleye/devices/power"
	"barreleye/devices/region"
	"barreleye/urpc"
	"barreleye/urpc/trace"
)

// spinNS is the longest wait that is polled through even where the idle loop
// is told not to poll: halting costs more.
const spinNS = 20_000

// maxSleep bounds one halt: the timer counts 32 bits.
const maxSleep = 60_000_000_000

// idle waits until something may have become runnable. It polls the armed
// words for pollCycles, some at a time; then it publishes that it sleeps, fences, looks once
// more, and halts with the timer set to the nearest deadline. The CPL0 half
// tests pending with interrupts off before it halts, so an event that comes
// in between is not lost (docs/explanation/cpudriver.md).
func idle() {
	b := block()
	stopLooking(b)
	deadline, awaited := nearest()
	limit := clock.TSC() + pollCycles
	trace.Event(trace.Idle, deadline, 0)
	for {
		if pending != 0 || lookAtSome() || otherReady() {
			takePending()
			trace.Event(trace.Busy, 0, 0)
			return
		}
		now := monotonic()
		if deadline != forever && deadline <= now+spinNS {
			if deadline <= now {
				trace.Event(trace.Busy, 0, 0)
				return
			}
		} else if clock.TSC() >= limit {
			break
		}
		pause()
	}
	now := monotonic()
	if deadline <= now {
		trace.Event(trace.Busy, 0, 0)
		return
	}
	count, due := probe(now, deadline)
	quiet := uint64(0)
	if !awaited && !waitsIn(onLog) && !waitsIn(onInput) && !listens() {
		quiet = 1
	}
	b.NoTimer.Store(quiet)
	b.Until.Store(wakesAt(now, count))
	b.Power.Store(asleepAs)
	urpc.PublishAsleep(&b.Asleep)
	if pending == 0 && !somethingReady() {
		b.Counters.Halts++
		trace.Event(trace.Halt, count, b.Asleep)
		callGate(gateHalt, count)
		trace.Event(trace.Wake, pending, 0)
		stands = rearm
		notePrice(due)
	}
	urpc.ClearAsleep(&b.Asleep)
	b.Power.Store(region.PowerPoll)
	b.NoTimer.Store(0)
	takePending()
	trace.Event(trace.Busy, 0, 0)
}

// asleepAs is the power state in which the core sleeps.
var asleepAs = uint64(region.PowerHalt)

// setPower changes it, and for how many ns the idle loop polls before.
func setPower(state, ns uint64) {
	asleepAs, pricesN = state, probes // the price is not measured any more
	pollCycles = clockPage().Read().Cycles(ns)
	tellPrice()
}

// wakesAt is when a timer of that count, set now, ends a halt; 0 for never.
func wakesAt(now, count uint64) uint64 {
	if count == 0 {
		return 0
	}
	return now + count*layout.TimerDivide
}

// somethingReady looks at every word that another party may write.
func somethingReady() bool { return lookAtWatches() || otherReady() }

// otherReady looks at those that no goroutine has armed.
func otherReady() bool {
	return signalWaiting() || logRoomWaited() || inputWaited()
}

// logRoomWaited reports whether the VMM drained the log while a thread waits
// for that.
func logRoomWaited() bool {
	tail := inbox().LogTail.Load()
	for i := 0; i < contextsTop; i++ {
		if contexts[i].state == onLog && contexts[i].wait != tail {
			return true
		}
	}
	return false
}

// ringDoorbell wakes core i, or the VMM for doorbell.VMM.
func ringDoorbell(i uint64) {
	if i <= doorbell.VMM {
		counters().Rings++
		trace.Event(trace.Bell, i, 0)
		storeDoorbell(doorbell.VA(int(i)))
	}
}

const (
	powerExit  = uint32(power.Exit)
	powerCrash = uint32(power.Crash)
)

// powerOff hands the core back to the VMM for good.
func powerOff(command uint32) {
	for {
		store32(layout.PowerVA, command)
	}
}

// pollSlice is how long a wait of one millisecond in epoll may last, in ns.
// The runtime rounds finer timers up to a millisecond; returning early makes
// it look at them again.
func pollSlice() uint64 {
	if flagged(boot.FlagShortTimers) {
		return 20_000
	}
	return 250_000
}
