package main

import (
	"fmt"
	"slices"
	"sync/atomic"

	"barreleye/guest"
	"barreleye/guest/dispatcher"
)

// showPreempt has two domains compute, and says how long it is from the last
// instruction of one to the first of the other: the tick and the switch.
func showPreempt() error {
	var all []*dispatcher.Domain
	stopComputing.Store(false)
	gaps := make([]float64, *rounds)
	var taken atomic.Int64    // of gaps; either domain may be preempted anywhere below
	var seen [2]atomic.Uint64 // when each last looked at the clock
	away := uint64(5e4 / guest.Nanoseconds(1))
	watch := func(me int) {
		last := guest.TSC()
		for !stopComputing.Load() {
			now := guest.TSC()
			if other := seen[1-me].Load(); now-last > away && other > last && now > other {
				i := int(taken.Add(1)) - 1
				if i < len(gaps) {
					gaps[i] = guest.Nanoseconds(now-other) / 1e3
				}
				if i+1 >= len(gaps) {
					stopComputing.Store(true)
				}
			}
			last = now
			seen[me].Store(now)
		}
	}
	for i := range 2 {
		name := fmt.Sprintf("preempt-%d", i)
		dispatcher.Define(name, func(*dispatcher.Dispatcher) error { return nil })
		m, err := dispatcher.Start(name, dispatcher.Options{})
		if err != nil {
			return err
		}
		all = append(all, m)
	}
	for i, m := range all {
		m.Dispatcher().Post(func() { watch(i) })
	}
	for _, m := range all {
		m.Stop()
	}
	if err := stop(all); err != nil {
		return err
	}
	slices.Sort(gaps)
	fmt.Printf("preempt: %d switches between two domains that compute: median %.1f us, p10 %.1f us, p90 %.1f us\n",
		len(gaps), gaps[len(gaps)/2], gaps[len(gaps)/10], gaps[len(gaps)*9/10])
	return nil
}
