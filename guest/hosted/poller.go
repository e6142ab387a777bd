package hosted

import (
	"runtime"
	"sync/atomic"

	"barreleye/devices/clock"
	"barreleye/devices/region"
	"barreleye/urpc"
	"barreleye/urpc/trace"
)

// poll is the core's idle loop, by the same steps as the CPU driver's: look at
// the armed words for PollCycles; then publish that the core sleeps, fence, look
// once more, and wait for the doorbell.
//
// A process has no idle hook, so the loop is a goroutine that lets every other
// one run before each look. Where they keep the CPU it sleeps after its time of
// polling all the same: senders then ring, and the runtime sees that when its
// run queue is empty or its monitor thread looks, every 10 ms, as in a guest.
func (c *Core) poll() {
	n := &c.block.Counters
	var ring [8]byte
	for {
		for limit := clock.TSC() + c.PollCycles(); ; runtime.Gosched() {
			now := clock.TSC()
			if c.watch.lookAtSome() {
				limit = now + c.PollCycles()
			} else if now >= limit {
				break
			}
		}
		c.block.Power.Store(region.PowerHalt)
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
