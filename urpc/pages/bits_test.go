package pages

import (
	"math/rand/v2"
	"testing"

	"barreleye/urpc/seedtest"
)

// TestBitmap: every operation does what a list of booleans would.
func TestBitmap(t *testing.T) {
	rng := rand.New(rand.NewPCG(seedtest.Seed(t), 1))
	for range 2000 {
		n := 1 + rng.Uint32N(300)
		b, plain := newBitmap(int(n)), make([]bool, n)
		for range 20 {
			r := run{first: rng.Uint32N(n)}
			r.count = 1 + rng.Uint32N(n-r.first)
			all, none := true, true
			for i := r.first; i < r.end(); i++ {
				all, none = all && plain[i], none && !plain[i]
			}
			if b.all(r) != all || b.none(r) != none {
				t.Fatalf("%v of %v: all %v, none %v", r, plain, b.all(r), b.none(r))
			}
			set := rng.IntN(2) == 0
			for i := r.first; i < r.end(); i++ {
				plain[i] = set
			}
			if set {
				b.set(r)
			} else {
				b.clear(r)
			}
			count, from := 1+rng.Uint32N(n), rng.Uint32N(n)
			got, ok := b.find(count, from, n)
			want, found := findPlain(plain, count, from)
			if ok != found || got != want {
				t.Fatalf("%d from %d on in %v: %v %v, want %v %v", count, from, plain, got, ok, want, found)
			}
		}
	}
}

func findPlain(plain []bool, count, from uint32) (run, bool) {
	length := uint32(0)
	for i := from; i < uint32(len(plain)); i++ {
		if length++; !plain[i] {
			length = 0
		}
		if length == count {
			return run{i + 1 - count, count}, true
		}
	}
	return run{}, false
}
