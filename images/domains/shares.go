package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"barreleye/guest/dispatcher"
)

var (
	wanted = flag.String("shares", "300,100", "of the domains that compute")
	total  = flag.Duration("total", time.Second, "CPU time until the shares are looked at")
)

// stopComputing ends the computing upcalls.
var stopComputing atomic.Bool

// compute counts, for ever.
func compute(work *uint64) {
	for i := 0; ; i++ {
		*work++
		if i&1023 == 0 && stopComputing.Load() {
			return
		}
	}
}

// showShares has domains compute side by side, and tells what each got.
func showShares() error {
	var all []*dispatcher.Domain
	var weights, sum float64
	work := make([][8]uint64, dispatcherRoom)
	stopComputing.Store(false)
	for i, text := range strings.Split(*wanted, ",") {
		share, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("compute-%d", i)
		dispatcher.Define(name, func(d *dispatcher.Dispatcher) error { return nil })
		m, err := dispatcher.Start(name, dispatcher.Options{Share: share})
		if err != nil {
			return err
		}
		all = append(all, m)
		weights += float64(share)
	}
	for i, m := range all {
		m.Dispatcher().Post(func() { compute(&work[i][0]) })
	}
	// From when all compute: who began first had the core for itself, for as long as the others
	// took to begin.
	before := make([]float64, len(all))
	begun := make([]uint64, len(all))
	for i := range all {
		for atomic.LoadUint64(&work[i][0]) == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	for i, m := range all {
		before[i], begun[i] = float64(m.Dispatcher().Ran()), atomic.LoadUint64(&work[i][0])
	}
	ran := make([]float64, len(all))
	for sum < float64(*total) { // of their time: the host may give the core less
		time.Sleep(10 * time.Millisecond)
		sum = 0
		for i, m := range all {
			ran[i] = float64(m.Dispatcher().Ran()) - before[i]
			sum += ran[i]
		}
	}
	done := make([]float64, len(all))
	var units float64
	for i := range all {
		done[i] = float64(atomic.LoadUint64(&work[i][0]) - begun[i])
		units += done[i]
	}
	stopComputing.Store(true)
	worst := 0.0
	for i, m := range all {
		share, _ := strconv.Atoi(strings.Split(*wanted, ",")[i])
		part := float64(share) / weights
		off := ran[i]/sum/part - 1
		worst = max(worst, math.Abs(off))
		fmt.Printf("shares: domain %s: share %d: ran %.3f of the time and did %.3f of the work, %.3f wanted\n", m.Name(), share, ran[i]/sum, done[i]/units, part)
		m.Stop()
		if err := m.Wait(context.Background()); err != nil {
			return err
		}
	}
	var whole time.Duration
	for _, m := range all {
		whole += m.Dispatcher().Ran()
	}
	fmt.Printf("shares: %.1f %% off at most; the domains ran for %.3f s\n", worst*100, whole.Seconds())
	return nil
}

// dispatcherRoom is how many domains a core has room for.
const dispatcherRoom = 63
