package urpc

import (
	"math/bits"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
)

// onTwoCPUs runs near on the calling goroutine and far on another, each on a
// thread pinned to a CPU of its own, and times near. It skips with one CPU. far
// must end by itself when near has done its part.
func onTwoCPUs(b *testing.B, near, far func()) {
	b.Helper()
	var all [16]uint64
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := affinity(&all); err != nil {
		b.Fatal(err)
	}
	cpus := cpusIn(&all)
	if len(cpus) < 2 || runtime.GOMAXPROCS(0) < 2 {
		b.Skip("needs two CPUs and GOMAXPROCS of 2")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // assembly is not preemptible
	var start atomic.Bool
	ready, done := make(chan error), make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with its pin
		ready <- setAffinity(only(cpus[1]))
		for !start.Load() {
		}
		far()
	}()
	if err := <-ready; err != nil {
		b.Fatal(err)
	}
	if err := setAffinity(only(cpus[0])); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer() // stops the world, so far may not be in assembly yet
	start.Store(true)
	near()
	b.StopTimer()
	<-done
	if err := setAffinity(&all); err != nil {
		b.Fatal(err)
	}
}

// cpusIn lists the CPUs of a mask.
func cpusIn(mask *[16]uint64) (cpus []int) {
	for i, w := range mask {
		for ; w != 0; w &= w - 1 {
			cpus = append(cpus, 64*i+bits.TrailingZeros64(w))
		}
	}
	return cpus
}

// only is the mask of one CPU.
func only(cpu int) *[16]uint64 {
	var mask [16]uint64
	mask[cpu/64] = 1 << (cpu % 64)
	return &mask
}
