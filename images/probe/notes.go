package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"barreleye/guest"
)

var (
	outer = guest.Trace("outer")
	inner = guest.Trace("inner")
	steps = guest.Trace("steps")
	level = guest.Trace("level")
)

// live keeps the collector busy.
var live [][]*int

// notes has goroutines whose spans overlap, and collections between.
func notes(context.Context) error {
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for i := range *count {
				span := outer.Begin()
				runtime.Gosched()
				func() {
					defer inner.Begin().End()
					steps.Mark(uint64(i))
				}()
				level.Count(uint64(i))
				span.End()
			}
		})
	}
	group.Wait()
	for range 100 {
		list := make([]*int, 1000)
		for i := range list {
			list[i] = new(int)
		}
		live = append(live, list)
	}
	for range 3 {
		runtime.GC()
	}
	runtime.Gosched() // the last collection's finalizer
	if guest.Trace("outer") != outer {
		return fmt.Errorf("a name has two places")
	}
	return nil
}

// noteCost prints what a mark costs, in TSC cycles: of 100 rows the median.
func noteCost(context.Context) error {
	rows := make([]float64, 100)
	for i := range rows {
		begun := guest.TSC()
		for n := range *count {
			steps.Mark(uint64(n))
		}
		rows[i] = float64(guest.TSC()-begun) / float64(*count)
	}
	slices.Sort(rows)
	fmt.Printf("%.1f cycles\n", rows[len(rows)/2])
	return nil
}
