package image

import (
	"math/rand/v2"
	"testing"
)

// TestUnwind walks stacks made by hand: through a frame to the outermost function,
// from a call to nowhere, and from nowhere by the frame pointer.
func TestUnwind(t *testing.T) {
	im := mustOpen(t, buildGuest(t, "go1.26", "-ldflags=-s -w"))
	entryOf := func(name string) (entry uint64, i int) {
		for i := range im.funcs.n {
			if im.funcs.name(i) == name {
				return im.funcs.entry(i), i
			}
		}
		t.Fatalf("no function %s", name)
		return 0, 0
	}
	entry, _ := entryOf("main.main") // no frame yet
	goexit, _ := entryOf("runtime.goexit")
	goexit++
	outer, i := entryOf("runtime.main")
	outer += (im.funcs.entry(i+1) - outer) / 2 // in the body, where the frame is there
	outerSize, ok := im.funcs.frameSize(i, outer-1)
	if !ok || outerSize == 0 {
		t.Fatalf("runtime.main has a frame of %d bytes at %#x", outerSize, outer)
	}
	const sp, bp = 0x1000, 0x8000
	stack := map[uint64]uint64{sp: outer, sp + 8 + outerSize: goexit}
	word := func(va uint64) (uint64, bool) { v, ok := stack[va]; return v, ok }
	check := func(what string, frames []Frame, want ...string) {
		t.Helper()
		if len(frames) != len(want) {
			t.Fatalf("%s: %d frames, want %d: %+v", what, len(frames), len(want), frames)
		}
		for i, name := range want {
			if frames[i].Func != name {
				t.Errorf("%s: frame %d is %s, want %s", what, i, frames[i].Func, name)
			}
		}
	}
	check("at the entry", im.Unwind(entry, sp, 0, 10, word), "main.main", "runtime.main", "runtime.goexit")
	check("two at most", im.Unwind(entry, sp, 0, 2, word), "main.main", "runtime.main")
	check("called nowhere", im.Unwind(0x1234567000, sp, 0, 10, word), "", "runtime.main", "runtime.goexit")
	stack[bp], stack[bp+8] = 0x9000, outer
	stack[bp+16+outerSize] = goexit
	check("nowhere with a frame pointer", im.Unwind(1, 0x7000, bp, 10, word), "", "runtime.main", "runtime.goexit")
	check("no memory", im.Unwind(entry, 0x7000, 0, 10, word), "main.main")
}

// TestUnwindEndsOnAnyStack: memory full of addresses of functions, at random, is
// walked to the given number of frames at most.
func TestUnwindEndsOnAnyStack(t *testing.T) {
	im := mustOpen(t, buildGuest(t, "go1.26"))
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	low, high := im.funcs.entry(0), im.funcs.entry(im.funcs.n)
	for range 2000 {
		frames := im.Unwind(low+r.Uint64N(high-low), r.Uint64(), r.Uint64(), 64, func(uint64) (uint64, bool) {
			return low + r.Uint64N(high-low), r.IntN(50) != 0
		})
		if len(frames) < 1 || len(frames) > 64 {
			t.Fatalf("seed %d: %d frames", seed, len(frames))
		}
	}
}
