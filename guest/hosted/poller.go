package hosted

import (
	"runtime"
	"sync/atomic"

	"barreleye/devices/clock"
	"barreleye/devices/region"
	"barreleye/urpc"
	"barreleye/urpc/trace"
)

// idling is what the idle loop does where there is nothing to run.
type idling struct {
	state atomic.Uint64 // in which it sleeps
	poll  atomic.Uint64 // cycles for which it polls before
}

// SetPower has the core poll for so many ns where it has nothing to run, and then sleep in
// a power state.
func (c *Core) SetPower(state, ns uint64) {
	c.idle.state.Store(state)
	c.idle.poll.Store(c.view.Clock().Read().Cycles(ns))
}

// poll is the core's idle loop, by the same steps as the CPU driver's: look at
// the armed words for PollCycles; then publish that the core sleeps, fence, look
// once more, and wait for the doorbell.
//
// A process has no idle hook, so the loop is a goroutine that lets every other
// one run before each look. Where they keep the CPU it sleeps after its time of
// polling all the same: senders then ring, and the runtime sees that when its
// run queue is empty or its monitor thread looks, every 10 ms, as in a guest.
//
// How it sleeps where it is to be parked is the same: Linux keeps nothing for a process
// that waits but its memory.
func (c *Core) poll() {
	n := &c.block.Counters
	var ring [8]byte
	for {
		for limit := clock.TSC() + c.idle.poll.Load(); ; runtime.Gosched() {
			now := clock.TSC()
			if c.watch.lookAtSome() {
				limit = now + c.idle.poll.Load()
			} else if now >= limit {
				break
			}
		}
		c.block.Power.Store(c.idle.state.Load())
		urpc.PublishAsleep(&c.block.Asleep)
		if !c.watch.look() {
			atomic.AddUint64(&n.Halts, 1)
			trace.Event(trace.Halt, 0, c.block.Asleep)
			if _, err := c.bell.Read(ring[:]); err != nil {
				panic("hosted core: doorbell: " + err.Error()) // nobody could wake it any more
			}
			atomic.AddUint64(&n.Events[region.EventDoorbell], 1)
			trace.Choose(trace.Set(c.view.VMM(c.Core()).Trace.Load()))
			trace.Event(trace.Wake, 0, 0)
		}
		urpc.ClearAsleep(&c.block.Asleep)
		c.block.Power.Store(region.PowerPoll)
		atomic.AddUint64(&c.block.Progress, 1)
	}
}
