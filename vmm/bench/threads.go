package bench

import (
	"fmt"
	"runtime"

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
