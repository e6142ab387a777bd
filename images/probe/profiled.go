package main

import (
	"context"
	"fmt"
	"runtime"
)

// retained is what the task "profiled" keeps.
var retained [][]byte

// profiled has something for each profile: a goroutine that waits, memory in use, and
// CPU time of which heavy has three quarters and light one.
func profiled(ctx context.Context) error {
	go waitForEver(make(chan bool))
	for range *count {
		retain()
	}
	runtime.GC() // heap profiles show what there was at the last one
	fmt.Println("profiled")
	n := uint64(1)
	for ctx.Err() == nil {
		n = heavy(heavy(heavy(light(n))))
	}
	return fmt.Errorf("%d: %w", n, ctx.Err())
}

//go:noinline
func waitForEver(c chan bool) { <-c }

//go:noinline
func retain() { retained = append(retained, make([]byte, 1<<20)) }

// rounds take a few milliseconds, less than a tick.
const rounds = 1 << 20

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
