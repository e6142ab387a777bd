package buddy

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// model is a slow allocator: a list of what is free, of what is in use, and of blocks.
type model struct {
	blocks, used []piece
}

type piece struct{ base, size uint64 }

func (p piece) overlaps(o piece) bool { return p.base < o.base+o.size && o.base < p.base+p.size }

// check looks at what the allocator says beside what the model has.
func (m *model) check(t *testing.T, a *Allocator) {
	t.Helper()
	want := Stats{Blocks: len(m.blocks)}
	for _, b := range m.blocks {
		want.Size += b.size
		idle := true
		for _, p := range m.used {
			if p.overlaps(b) {
				want.Used += p.size
				idle = false
			}
		}
		if idle {
			want.Idle += b.size
		}
		want.Largest = max(want.Largest, m.largest(b))
	}
	if got := a.Stats(); got != want {
		t.Fatalf("%+v, want %+v", got, want)
	}
	for _, p := range m.used {
		if got, err := a.Size(p.base); err != nil || got != p.size {
			t.Fatalf("the piece at %#x has %d bytes (%v), want %d", p.base, got, err, p.size)
		}
	}
}

// largest returns the largest aligned power of two of a block of which nothing is in use.
func (m *model) largest(b piece) uint64 {
	for size := b.size; size >= Page; size /= 2 {
		for at := b.base; at < b.base+b.size; at += size {
			if !slices.ContainsFunc(m.used, piece{at, size}.overlaps) {
				return size
			}
		}
	}
	return 0
}

// steps does what bytes say to an allocator and to a model.
func steps(t *testing.T, script []byte) {
	var a Allocator
	var m model
	for i := 0; i+1 < len(script); i += 2 {
		op, arg := script[i], uint64(script[i+1])
		switch op % 5 {
		case 0: // a block
			b := piece{0x100000 + arg%16*8*Page, Page << (arg / 16 % 6)}
			clash := slices.ContainsFunc(m.blocks, b.overlaps)
			err := a.Add(b.base, b.size)
			if (err != nil) != clash || clash && !errors.Is(err, ErrOverlap) {
				t.Fatalf("add %+v: %v, clash %v", b, err, clash)
			}
			if !clash {
				m.blocks = append(m.blocks, b)
			}
		case 1, 2:
			size := 1 + arg*arg*3%(40*Page)
			base, err := a.Alloc(size)
			p := piece{base, Page << orderOf(size)}
			fits := slices.ContainsFunc(m.blocks, func(b piece) bool { return m.largest(b) >= p.size })
			if (err == nil) != fits || err != nil && !errors.Is(err, ErrFull) {
				t.Fatalf("alloc %d: %#x, %v; fits %v", size, base, err, fits)
			}
			if err != nil {
				break
			}
			at := slices.IndexFunc(m.blocks, p.overlaps)
			if slices.ContainsFunc(m.used, p.overlaps) || at < 0 || p.base+p.size > m.blocks[at].base+m.blocks[at].size || (p.base-m.blocks[at].base)%p.size != 0 {
				t.Fatalf("alloc %d: %+v of %+v", size, p, m)
			}
			if got, ok := a.Block(base); !ok || got != m.blocks[at].base {
				t.Fatalf("block of %#x: %#x, %v", base, got, ok)
			}
			m.used = append(m.used, p)
		case 3: // free a piece, or something that is none
			base := 0x100000 + arg*Page/2
			if len(m.used) > 0 && arg%4 != 0 {
				base = m.used[arg%uint64(len(m.used))].base
			}
			at := slices.IndexFunc(m.used, func(p piece) bool { return p.base == base })
			block, idle, err := a.Free(base)
			if (err == nil) != (at >= 0) || err != nil && !errors.Is(err, ErrUnknown) {
				t.Fatalf("free %#x: %v, there %v", base, err, at >= 0)
			}
			if err != nil {
				break
			}
			m.used = slices.Delete(m.used, at, at+1)
			b := m.blocks[slices.IndexFunc(m.blocks, func(b piece) bool { return b.base == block })]
			if idle == slices.ContainsFunc(m.used, b.overlaps) || !b.overlaps(piece{base, 1}) {
				t.Fatalf("free %#x: of %+v, idle %v", base, b, idle)
			}
		case 4: // remove a block, or none
			base := 0x100000 + arg%16*8*Page
			at := slices.IndexFunc(m.blocks, func(b piece) bool { return b.base == base })
			used := at >= 0 && slices.ContainsFunc(m.used, m.blocks[at].overlaps)
			switch err := a.Remove(base); {
			case err == nil && at >= 0 && !used:
				m.blocks = slices.Delete(m.blocks, at, at+1)
			case at < 0 && errors.Is(err, ErrUnknown), used && errors.Is(err, ErrInUse):
			default:
				t.Fatalf("remove %#x: %v, at %d, used %v", base, err, at, used)
			}
		}
		m.check(t, &a)
	}
}

// TestModel has the allocator do at random what a slow model does.
func TestModel(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		script := make([]byte, 400)
		for i := range script {
			script[i] = byte(rng.Uint32())
		}
		steps(t, script)
	}
}

func FuzzAllocator(f *testing.F) {
	f.Add([]byte{0, 0x50, 1, 3, 1, 9, 3, 1, 4, 0})
	f.Add([]byte{0, 0x5f, 0, 0x50, 1, 255, 2, 128, 3, 5, 3, 6})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) <= 1000 {
			steps(t, script)
		}
	})
}

// TestSizes: what cannot be is refused.
func TestSizes(t *testing.T) {
	var a Allocator
	for _, b := range []piece{{0, 0}, {Page, 3 * Page}, {Page / 2, Page}, {0, MaxBlock * 2}, {^uint64(0) &^ (Page - 1), 2 * Page}, {0, Page / 2}} {
		if err := a.Add(b.base, b.size); !errors.Is(err, ErrSize) {
			t.Errorf("add %+v: %v", b, err)
		}
	}
	if err := a.Add(0, MaxBlock); err != nil {
		t.Fatal(err)
	}
	for _, size := range []uint64{0, MaxBlock + 1, ^uint64(0)} {
		if _, err := a.Alloc(size); err != ErrSize {
			t.Errorf("alloc %d: %v", size, err)
		}
	}
	if base, err := a.Alloc(MaxBlock); err != nil || base != 0 {
		t.Errorf("all of it: %#x, %v", base, err)
	}
}

// TestLowBlocksFirst: what is at high addresses becomes free, and can be given back.
func TestLowBlocksFirst(t *testing.T) {
	var a Allocator
	const size = 16 * Page
	for _, base := range []uint64{2 * size, 0, size} {
		if err := a.Add(base, size); err != nil {
			t.Fatal(err)
		}
	}
	for i := range uint64(16) {
		if base, err := a.Alloc(Page); err != nil || base >= size {
			t.Fatalf("piece %d is at %#x, %v", i, base, err)
		}
	}
	if base, _ := a.Alloc(Page); base < size || base >= 2*size {
		t.Errorf("the next is at %#x", base)
	}
	if err := a.Remove(2 * size); err != nil {
		t.Error(err)
	}
}

// TestAllocationFree: neither Alloc nor Free takes memory from the heap.
func TestAllocationFree(t *testing.T) {
	var a Allocator
	if err := a.Add(0, 512*Page); err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(100, func() {
		base, err := a.Alloc(3 * Page)
		if err == nil {
			_, _, err = a.Free(base)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Alloc(1024 * Page); err != ErrFull {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestFragmentation: a long run of sizes as programs want them leaves most of what is free
// in large pieces.
func TestFragmentation(t *testing.T) {
	for _, load := range []float64{0.5, 0.75, 0.9} {
		rng := rand.New(rand.NewPCG(1, uint64(load*100)))
		var a Allocator
		const size = 64 << 20
		if err := a.Add(0, size); err != nil {
			t.Fatal(err)
		}
		var list []piece
		wanted, taken, refused, rounds := uint64(0), uint64(0), 0, 0
		for used := uint64(0); rounds < 200_000; rounds++ {
			if float64(used) < load*size {
				n := uint64(Page) << rng.IntN(7) // 4 to 256 KiB, rarely a whole power of two
				n += rng.Uint64N(n)
				base, err := a.Alloc(n)
				if err != nil {
					refused++
				} else {
					got, _ := a.Size(base)
					list = append(list, piece{base, got})
					used += got
					wanted, taken = wanted+n, taken+got
					continue
				}
			}
			i := rng.IntN(len(list))
			if _, _, err := a.Free(list[i].base); err != nil {
				t.Fatal(err)
			}
			used -= list[i].size
			list[i] = list[len(list)-1]
			list = list[:len(list)-1]
		}
		s := a.Stats()
		t.Logf("load %.0f %%: %.1f %% lost by rounding, %.1f %% of what is free is not in the largest piece (%d KiB), %d of %d requests refused",
			100*load, 100*(1-float64(wanted)/float64(taken)), 100*s.Fragmentation(), s.Largest>>10, refused, rounds)
		if refused > rounds/100 {
			t.Errorf("load %.0f %%: %d of %d requests refused", 100*load, refused, rounds)
		}
	}
}

func BenchmarkAllocFree(b *testing.B) {
	var a Allocator
	for i := range uint64(8) {
		if err := a.Add(i<<21, 1<<21); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		base, err := a.Alloc(Page)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := a.Free(base); err != nil {
			b.Fatal(err)
		}
	}
}
