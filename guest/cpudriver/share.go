package cpudriver

import (
	"sync/atomic"

	"barreleye/devices/clock"
	"barreleye/guest/cpudriver/shares"
	"barreleye/urpc/trace"
)

// How the core is divided where there are dispatchers (dispatcher.go). A context
// runs on the account of a share: that of its dispatcher, or share 0 for all other
// threads of the runtime; while it serves a caller that handed over the core, that of
// the caller. Within a share contexts take turns.

var (
	divided   bool // there was a dispatcher: schedule asks the table
	division  shares.Table
	turn      [shares.Max]uint64 // index of the context of each share that ran last
	accounted uint64             // TSC up to which time was charged
	stolen    uint64             // ns that the host had taken by then
	longest   uint64             // cycles between two ticks at most, 0 where there are none
)

// charge accounts for the time since the last switch, without what KVM says that the host
// took of it. It is no more than a tick and a bit: what is beyond that was taken without
// KVM's knowing, as by an emulator that stood still, or there would have been a tick.
func charge() {
	from, taken := accounted, stolen
	account()
	cycles := accounted - from
	if taken != stolen {
		cycles -= min(cycles, cyclesOf(min(stolen-taken, 1e9))) // cyclesOf takes 4 s
	}
	if longest != 0 {
		cycles = min(cycles, longest)
	}
	division.Charge(int(running().account), cycles)
}

// account begins the time to be charged next.
func account() {
	steal := &bootPage().Steal
	for {
		stolen = atomic.LoadUint64(steal)
		accounted = clock.TSC()
		if atomic.LoadUint64(steal) == stolen {
			return
		}
	}
}

// scheduleShared is schedule where the core is divided.
func scheduleShared() {
	charge()
	from := running()
	for {
		settle()
		ready, held, unfinished := uint64(0), uint64(0), false
		for i := 0; i < contextsTop; i++ {
			c := &contexts[i]
			if c.state == again {
				dispatch(c)
				unfinished = unfinished || c.state == again
			}
			if c.state == runnable {
				ready |= 1 << c.account
			} else if c.state == inFutex && c.stopped != 0 {
				held |= 1 << c.account
			}
		}
		if ready != 0 {
			c := nextOf(uint64(division.Pick(ready, held)))
			if c != from {
				counters().Switches++
				trace.Event(trace.Switch, c.tid, from.tid)
			}
			setCurrent(c)
			return
		}
		if !unfinished {
			idle()
			sampleFrom()
			account()
		}
	}
}

// nextOf returns the runnable context of a share whose turn it is.
func nextOf(account uint64) *context {
	i := turn[account]
	for {
		if i++; i >= uint64(contextsTop) {
			i = 0
		}
		if c := &contexts[i]; c.state == runnable && c.account == account {
			turn[account] = i
			return c
		}
	}
}
