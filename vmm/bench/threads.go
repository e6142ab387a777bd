package bench

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// pinned runs f on a thread of its own that stays on the given CPU.
func pinned(cpu int, f func()) <-chan error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		var set unix.CPUSet
		set.Set(cpu)
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			done <- fmt.Errorf("bench: pin to CPU %d: %w: give this process two CPUs", cpu, err)
			return
		}
		f()
		done <- nil
	}()
	return done
}

// onTwoCPUs runs near and far at once for rounds of n messages and appends the
// ns per message of each round, as near's thread saw them. First messages are
// numbered from 1.
func onTwoCPUs(rounds int, n uint64, near, far func(first, n uint64), times *[]float64) error {
	if runtime.NumCPU() < 2 {
		return fmt.Errorf("bench: one CPU: messages between cores need two: give this process more (taskset, cpuset)")
	}
	// Both threads must be there before either waits for the other in assembly,
	// which the collector cannot interrupt.
	var gate [2]atomic.Int64
	meet := func(me int, round int64) {
		gate[me].Store(round)
		for gate[1-me].Load() < round {
		}
	}
	farDone := pinned(1, func() {
		for i := range rounds {
			meet(1, int64(i+1))
			far(uint64(i)*n+1, n)
		}
	})
	nearDone := pinned(0, func() {
		for i := range rounds {
			meet(0, int64(i+1))
			t := time.Now()
			near(uint64(i)*n+1, n)
			*times = append(*times, float64(time.Since(t).Nanoseconds())/float64(n))
		}
	})
	err := <-nearDone
	if e := <-farDone; err == nil {
		err = e
	}
	return err
}
