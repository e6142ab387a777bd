package hostmem

import (
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"barreleye/devices/layout"
)

// TestGrow grows and shrinks memory at random beside a slow model, a bool per block.
func TestGrow(t *testing.T) {
	const (
		block  = layout.HugeSize
		size   = 2 * block
		blocks = 24
	)
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	m, err := AllocateUpTo(size, blocks*block)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Free()
	there := make([]bool, blocks)
	there[0], there[1] = true, true
	for step := range 4000 {
		first := rng.IntN(blocks + 1)
		n := rng.IntN(5)
		from, to := uint64(first*block), uint64((first+n)*block)
		fits := n > 0 && first >= 2 && first+n <= blocks
		var err error
		var wanted bool
		if rng.IntN(2) == 0 {
			wanted = fits && !slices.Contains(there[first:first+n], true)
			if err = m.Grow(from, to); err == nil {
				for i := first; i < first+n; i++ {
					if v := m.Bytes[i*block]; v != 0 {
						t.Fatalf("seed %d step %d: block %d begins with %d", seed, step, i, v)
					}
					m.Bytes[i*block] = 1
					there[i] = true
				}
			}
		} else {
			wanted = fits && !slices.Contains(there[first:first+n], false)
			if err = m.Shrink(from, to); err == nil {
				for i := first; i < first+n; i++ {
					there[i] = false
				}
			}
		}
		if wanted != (err == nil) || err != nil && !errors.Is(err, ErrParts) {
			t.Fatalf("seed %d step %d: [%d, %d): %v", seed, step, first, first+n, err)
		}
		top := uint64(0)
		for i, want := range there {
			if m.Has(uint64(i*block)) != want || m.Has(uint64(i*block+block-1)) != want {
				t.Fatalf("seed %d step %d: block %d: there %v, want %v", seed, step, i, !want, want)
			}
			if want {
				top = uint64(i+1) * block
			} else if v := m.Bytes[i*block]; v != 0 {
				t.Fatalf("seed %d step %d: block %d, which is not there, reads as %d", seed, step, i, v)
			}
		}
		if m.Top() != top {
			t.Fatalf("seed %d step %d: top %#x, want %#x", seed, step, m.Top(), top)
		}
	}
}

// TestShrinkGivesBack: the host has what was given back.
func TestShrinkGivesBack(t *testing.T) {
	const size = 8 << 20
	m, err := AllocateUpTo(layout.HugeSize, layout.HugeSize+size)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Free()
	before := m.ResidentKiB()
	if err := m.Grow(layout.HugeSize, layout.HugeSize+size); err != nil {
		t.Fatal(err)
	}
	for at := layout.HugeSize; at < layout.HugeSize+size; at += layout.PageSize {
		m.Bytes[at] = 1
	}
	if got := m.ResidentKiB(); got < before+size>>10 {
		t.Errorf("%d KiB resident of memory that was written, %d before", got, before)
	}
	if err := m.Shrink(layout.HugeSize, layout.HugeSize+size); err != nil {
		t.Fatal(err)
	}
	if got := m.ResidentKiB(); got != before {
		t.Errorf("%d KiB resident when all was given back, want %d", got, before)
	}
}

// TestAvailable: the tightest of what limits this process counts.
func TestAvailable(t *testing.T) {
	if n := Available(); n == 0 || n == ^uint64(0) {
		t.Errorf("available: %d", n)
	}
	file := func(text string) *os.File {
		f, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		f.WriteString(text)
		return f
	}
	machine := file("MemTotal: 100 kB\nMemAvailable:   64 kB\n")
	for _, c := range []struct {
		limit, used, stat string
		want              uint64
	}{
		{"max\n", "40000\n", "inactive_file 0\n", 64 << 10},
		{"40960\n", "8192\n", "anon 5\ninactive_file 4096\n", 40960 - 4096},
		{"4096\n", "8192\n", "inactive_file 0\n", 0},
		{"99999999\n", "0\n", "", 64 << 10},
	} {
		h := &host{memory: machine, groups: []group{{file(c.limit), file(c.used), file(c.stat)}}}
		if got := h.available(); got != c.want {
			t.Errorf("limit %q, used %q, %q: %d, want %d", c.limit, c.used, c.stat, got, c.want)
		}
	}
	if got := (&host{}).available(); got != ^uint64(0) {
		t.Errorf("where nothing tells: %d", got)
	}
}
