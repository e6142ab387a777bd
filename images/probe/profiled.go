package main

import (
	"context"
	"fmt"
	"runtime"
)

// retained is what the task "profiled" keeps.
var retained [][]byte

// profiled has something for each profile: a goroutine that waits, memory in use, and
// CPU time of which heavy has four fifths and light one.
func profiled(ctx context.Context) error {
	go waitForEver(make(chan bool))
	for range *count {
		retain()
	}
	runtime.GC() // heap profiles show what there was at the last one
	fmt.Println("profiled")
	n := uint64(1)
	for ctx.Err() == nil {
		n = share(n)
	}
	return fmt.Errorf("%d: %w", n, ctx.Err())
}

//go:noinline
func waitForEver(c chan bool) { <-c }

//go:noinline
func retain() { retained = append(retained, make([]byte, 1<<20)) }

// rounds take a few microseconds, so that two samples lie many turns apart.
const rounds = 1 << 12

// share gives the turns by lot. Were they to come in a cycle, whoever samples at
// intervals that are a multiple of it (Linux' timers of CPU time know only its ticks)
// would find the program always in the same place.
func share(n uint64) uint64 {
	for range 1 << 10 {
		if (n>>32)%5 == 0 { // the low bits of such a generator repeat soon
			n = light(n)
		} else {
			n = heavy(n)
		}
	}
	return n
}

//go:noinline
func heavy(n uint64) uint64 {
	for range rounds {
		n = n*6364136223846793005 + 1442695040888963407
	}
	return n
}

//go:noinline
func light(n uint64) uint64 {
	for range rounds {
		n = n*2862933555777941757 + 3037000493
	}
	return n
}
