package main

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"barreleye/guest/dispatcher"
)

var (
	count  = flag.Int("count", 16, "domains of the show many")
	rounds = flag.Int("rounds", 200, "calls around all of them, collections, switches")
	gap    = flag.Duration("gap", 0, "between two collections")
)

// showMany has many domains in a ring call each other, while others wait and the
// collector runs.
func showMany() error {
	all, err := ring(*count)
	if err != nil {
		return err
	}
	first, err := all[0].Entry("pass")
	if err != nil {
		return err
	}
	for i := range uint64(*rounds) {
		got, err := first.HandOver(dispatcher.Message{W0: uint64(*count), W1: i})
		if err != nil || got.W1 != i+uint64(*count) {
			return fmt.Errorf("around %d domains: %d, %w, want %d", *count, got.W1, err, i+uint64(*count))
		}
		if i%10 == 0 {
			runtime.GC()
		}
	}
	fmt.Printf("many: %d calls around %d domains\n", *rounds, *count)
	return stop(all)
}

// ring starts domains, each of which calls the next one.
func ring(n int) ([]*dispatcher.Domain, error) {
	all := make([]*dispatcher.Domain, n)
	for i := range all {
		name := fmt.Sprintf("ring-%d-of-%d", i, n)
		dispatcher.Define(name, func(d *dispatcher.Dispatcher) error {
			d.Handle("pass", func(m dispatcher.Message) dispatcher.Message {
				garbage = make([]byte, 1<<10)
				m.W0--
				m.W1++
				if m.W0 == 0 {
					return m
				}
				next, err := all[(i+1)%n].Entry("pass")
				if err == nil {
					m, err = next.HandOver(m)
				}
				if err != nil {
					panic(err)
				}
				return m
			})
			return nil
		})
		var err error
		if all[i], err = dispatcher.Start(name, dispatcher.Options{}); err != nil {
			return nil, err
		}
	}
	return all, nil
}

var garbage []byte

func stop(all []*dispatcher.Domain) error {
	for _, m := range all {
		m.Stop()
	}
	for _, m := range all {
		if err := m.Wait(context.Background()); err != nil {
			return err
		}
	}
	return nil
}

// showCollect has domains compute and allocate, and says for how long the collector stopped
// them all.
func showCollect() error {
	for _, k := range []int{0, 1, 2, 4, 8} {
		all := make([]*dispatcher.Domain, k)
		work := make([][8]uint64, k)
		stopComputing.Store(false)
		for i := range all {
			name := fmt.Sprintf("collect-%d-of-%d", i, k)
			dispatcher.Define(name, func(*dispatcher.Dispatcher) error { return nil })
			var err error
			if all[i], err = dispatcher.Start(name, dispatcher.Options{}); err != nil {
				return err
			}
		}
		for i, m := range all {
			m.Dispatcher().Post(func() { compute(&work[i][0]) })
		}
		pauses := make([]float64, 0, *rounds)
		var collected []float64
		for range *rounds {
			time.Sleep(*gap)
			var stats runtime.MemStats
			start := time.Now()
			runtime.GC()
			collected = append(collected, float64(time.Since(start))/1e3)
			runtime.ReadMemStats(&stats)
			pauses = append(pauses, float64(stats.PauseNs[(stats.NumGC+255)%256])/1e3)
		}
		for i := range work {
			if atomic.LoadUint64(&work[i][0]) == 0 {
				return fmt.Errorf("domain %d of %d did nothing while the collector ran", i, k)
			}
		}
		stopComputing.Store(true)
		if err := stop(all); err != nil {
			return err
		}
		slices.Sort(pauses)
		slices.Sort(collected)
		fmt.Printf("collect: %d domains compute: stopped for %.1f us in the median, p99 %.1f us; a collection took %.0f us\n",
			k, pauses[len(pauses)/2], pauses[len(pauses)*99/100], collected[len(collected)/2])
	}
	return nil
}
