package region

import (
	"math/rand/v2"
	"testing"
)

// TestLend: what a core lends is found from each of its pages and by the third core
// alone, until it is lent no more.
func TestLend(t *testing.T) {
	v := mapped(t, DefaultGeometry(4))
	pool := v.pairPool(1, 3)
	v.Lend(3, 1, 0, 30, 5, true) // across words
	for p := -1; p <= v.PairPages(); p++ {
		run, ok := v.Lent(pool+p, 0)
		if want := p >= 30 && p < 35; ok != want || ok && run != (Span{pool + 30, 5, ReadWrite}) {
			t.Errorf("page %d: %+v, %v", p, run, ok)
		}
		for _, other := range []int{1, 2, 3} {
			if run, ok := v.Lent(pool+p, other); ok {
				t.Errorf("page %d is lent to core %d: %+v", p, other, run)
			}
		}
	}
	v.Lend(3, 1, 0, 32, 1, false)
	if run, ok := v.Lent(pool+31, 0); !ok || run != (Span{pool + 30, 2, ReadWrite}) {
		t.Errorf("%+v, %v", run, ok)
	}
	if run, ok := v.Lent(pool+32, 0); ok {
		t.Errorf("page 32 is still lent: %+v", run)
	}
}

// TestHostileGrants: whatever a core writes where it says what it lends, others get
// pages of its own pools, and nothing else.
func TestHostileGrants(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	v := mapped(t, DefaultGeometry(5))
	const hostile = 2
	first, end := v.grantPage(hostile), v.grantPage(hostile)+v.grantPages()
	mem := bytesAt(v, first, end-first)
	found := 0
	for range 200 {
		for range 50 {
			mem[rng.IntN(len(mem))] = byte(rng.Uint64())
		}
		for range 2000 {
			page, to := rng.IntN(v.end()+10)-5, rng.IntN(v.Cores)
			run, ok := v.Lent(page, to)
			if !ok {
				continue
			}
			found++
			if run.Pages < 1 || page < run.First || page >= run.End() || to == hostile {
				t.Fatalf("page %d to core %d: %+v", page, to, run)
			}
			for p := run.First; p < run.End(); p++ {
				if a, _ := v.At(p); a.Access(hostile) != ReadWrite || len(a.Writers) != 2 {
					t.Fatalf("page %d to core %d: %+v with %v", page, to, run, a)
				}
			}
		}
	}
	if found < 1000 {
		t.Errorf("only %d pages were lent", found)
	}
}
