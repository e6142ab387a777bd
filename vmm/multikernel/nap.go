package multikernel

import (
	"sync/atomic"
	"time"

	"barreleye/devices/region"
	"barreleye/urpc"
	"barreleye/vmm/lifecycle"

	"golang.org/x/sys/unix"
)

// napper is a carrier that can be parked until its doorbell is rung. To Linux a process
// that sleeps is nothing else.
type napper interface {
	// Nap parks the core while asleep, which tells when it wakes by itself (the zero
	// time: never), says that it sleeps.
	Nap(asleep func() (at time.Time, ok bool))
}

// nap parks a core that wants to be while it sleeps. It is seen asleep twice, in one
// sleep, before: parking costs more than a short sleep lasts.
func (r *run) nap(c *core) {
	l, ok := c.life.(napper)
	b := r.view.Block(c.index)
	if !ok || b.Power.Load() != region.PowerPark || r.machine.State(c.index) != lifecycle.Running {
		return
	}
	generation := atomic.LoadUint64(&b.Asleep)
	asleep := func() (at time.Time, ok bool) {
		until := b.Until.Load()
		if atomic.LoadUint64(&b.Asleep) != generation || b.Power.Load() != region.PowerPark {
			return at, false
		}
		if until != 0 {
			var now unix.Timespec
			_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
			at = time.Now().Add(time.Duration(until) - time.Duration(now.Nano()))
		}
		return at, true
	}
	switch {
	case !urpc.IsAsleep(generation):
	case c.seenAsleep != generation:
		c.seenAsleep, c.napped = generation, false
	case !c.napped:
		c.napped = true
		l.Nap(asleep)
	}
}
