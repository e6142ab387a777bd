//go:build !race

package urpc

import (
	"math/rand/v2"
	"testing"

	"barreleye/urpc/seedtest"
)

// TestCopies compares every width of vectors that this CPU has with plain Go: what
// is copied, and that nothing else is touched.
func TestCopies(t *testing.T) {
	seed := seedtest.Seed(t)
	rng := rand.New(rand.NewPCG(seed, 20))
	const most = 70
	ring := blocksOf(must(LinesOf(guarded(t, RingBytes(128)), 128)))
	tried := 0
	for width := 16; width <= VectorBytes(); width *= 2 {
		for n := 1; n <= most; n++ {
			for name, copies := range map[string]func(to, from *Block, n, ring uint64, width int){
				"putBlocks": putBlocks, "takeBlocks": takeBlocks,
			} {
				// the lines lie at the end of the ring, before a page that faults
				from, to := ring[len(ring)-n:], make([]Block, n+2)
				if name == "putBlocks" {
					from, to = make([]Block, n), ring[len(ring)-n-2:]
				}
				for i := range from {
					for j := range from[i] {
						from[i][j] = rng.Uint64()
					}
				}
				source := append([]Block(nil), from...)
				for i := range to {
					to[i] = Block{uint64(i), 1, 2, 3, 4, 5, 6, 7}
				}
				want := append([]Block(nil), to...)
				at := 0
				if name == "putBlocks" {
					at = 2 // up to the guard page
				}
				copy(want[at:], source)
				copies(&to[at], &from[0], uint64(n), uint64(n)+rng.Uint64N(2), width)
				for i := range to {
					if to[i] != want[i] {
						t.Fatalf("%s of %d lines by %d bytes: line %d is %x, want %x", name, n, width, i-at, to[i], want[i])
					}
				}
				tried++
			}
		}
	}
	t.Logf("%d copies, vectors of up to %d bytes", tried, VectorBytes())
	if tried < 2*most {
		t.Error("SSE2 at least should have been tried")
	}
}
