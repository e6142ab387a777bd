package main

import (
	"context"
	"sync/atomic"
	"time"

	"barreleye/devices/region"
	"barreleye/guest"
	"barreleye/guest/cpudriver"
	"barreleye/images/bench/measure"
	"barreleye/images/bench/paths"
)

// ringGap is the time between two doorbells for a core that computes.
const ringGap = 300 * time.Microsecond

// driverPaths measures what the driver does for a program.
func driverPaths() (Result, error) {
	r, err := paths.Measure(*rounds)
	if err != nil {
		return nil, err
	}
	w, err := cpudriver.NewWatch()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	for range *rounds {
		const each = 2000
		start := guest.TSC()
		for range each {
			w.Disarm(0)
		}
		r["driver_call"] = append(r["driver_call"], guest.Nanoseconds(guest.TSC()-start)/each)
	}
	return r, nil
}

// interrupts measures what ticks and doorbells take of the time of core 0, which
// computes, and what ringing takes of that of core 1.
func interrupts() ([]*measure.Series, error) {
	if err := guest.WaitPeers(context.Background()); err != nil {
		return nil, err
	}
	if guest.Core() != 0 {
		ring()
		return nil, nil
	}
	tick := &measure.Series{Name: "tick", Per: 1}
	bell := &measure.Series{Name: "doorbell", Per: 1}
	events := &guest.Region().Block(guest.Core()).Counters.Events
	ticks, bells := &events[region.EventTick], &events[region.EventDoorbell]
	low := uint64(1000 / guest.Nanoseconds(1))
	deadline := time.Now().Add(20 * time.Second)
	for (len(tick.Samples) < *rounds || len(bell.Samples) < *rounds) && time.Now().Before(deadline) {
		nTicks, nBells := atomic.LoadUint64(ticks), atomic.LoadUint64(bells)
		last := guest.TSC()
		for range 100_000 {
			now := guest.TSC()
			gap := now - last
			last = now
			if gap < low {
				continue
			}
			moreTicks, moreBells := atomic.LoadUint64(ticks)-nTicks, atomic.LoadUint64(bells)-nBells
			switch {
			case moreTicks == 1 && moreBells == 0:
				tick.Samples = append(tick.Samples, guest.Nanoseconds(gap))
			case moreTicks == 0 && moreBells == 1:
				bell.Samples = append(bell.Samples, guest.Nanoseconds(gap))
			}
			nTicks, nBells = nTicks+moreTicks, nBells+moreBells
			last = guest.TSC()
		}
	}
	return []*measure.Series{tick, bell}, nil
}

// ring rings core 0 again and again until it is gone.
func ring() {
	cycles := uint64(float64(ringGap.Nanoseconds()) / guest.Nanoseconds(1))
	for {
		if _, over := guest.Region().LifeOf(0); over != region.OverNot {
			return
		}
		for until := guest.TSC() + cycles; guest.TSC() < until; {
		}
		cpudriver.Ring(0)
	}
}
