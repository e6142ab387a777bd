package shares

import (
	"math/rand/v2"
	"testing"
)

// core is one whose shares compute for ever. The runtime stops each after its turn, and
// a thread of share 0 lets it go on, one after the other. Ticks come up to a quarter late, and the
// host holds up the core, mostly while it runs share 0's threads, which takes them a whole turn.
type core struct {
	*Table
	r       *rand.Rand
	pause   float64 // how many of the turns of share 0 are held up
	weights []uint64
	waits   []int // shares that are held, in their order
	stops   map[int]bool
}

// turn has one share run.
func (c *core) turn() {
	var ready, held uint64
	for i := range c.weights {
		ready |= 2 << i
	}
	for _, i := range c.waits {
		held |= 1 << i
	}
	ready &^= held
	if held != 0 {
		ready |= 1 << Runtime
	}
	switch i := c.Pick(ready, held); {
	case i == Runtime:
		c.waits = c.waits[1:]
		if c.r.Float64() < c.pause {
			c.Charge(i, slice*5/4)
		} else {
			c.Charge(i, slice/100)
		}
	case c.stops[i]:
		c.stops[i] = false
		c.waits = append(c.waits, i)
		c.Charge(i, slice/200)
		c.Lend(i)
	default:
		c.stops[i] = true
		c.Charge(i, slice+c.r.Uint64N(slice/4))
	}
}

// behind returns by how many slices a share is behind or ahead of its part at most.
func (c *core) behind() (most float64) {
	var ran, weights float64
	for i, w := range c.weights {
		ran, weights = ran+float64(c.Ran(i+1))/slice, weights+float64(w)
	}
	for i, w := range c.weights {
		off := float64(c.Ran(i+1))/slice - ran*float64(w)/weights
		most = max(most, off, -off)
	}
	return most
}

// TestHeld: at no time is a share more than two turns away from its part, however long
// the runtime takes to let it go on.
func TestHeld(t *testing.T) {
	for _, weights := range [][]uint64{{300, 100}, {100, 100, 200}, {10, 1, 5, 3}} {
		for _, pause := range []float64{0, 0.02, 0.1, 0.3} {
			for seed := range uint64(20) {
				c := &core{newTable(t, weights...), rand.New(rand.NewPCG(seed, 1)), pause, weights, nil, map[int]bool{}}
				for range 10_000 {
					c.turn()
					if off := c.behind(); off > 2*1.25 {
						t.Fatalf("weights %v, pauses %v, seed %d: a share is %.1f slices away from its part", weights, pause, seed, off)
					}
				}
			}
		}
	}
}

// TestHeldForLong: a share that waits for something else piles up no claim.
func TestHeldForLong(t *testing.T) {
	table := newTable(t, 100, 100)
	run(table, 0b110, 10)
	for range 1000 {
		table.Charge(table.Pick(0b010, 0b100), slice)
	}
	before := table.Ran(1)
	run(table, 0b110, 100)
	if got := (table.Ran(1) - before) / slice; got < 48 {
		t.Errorf("share 1 ran in %d of 100 slices after share 2 had been held for long, want 50", got)
	}
	// Nor does the table forget at once who is held.
	for range 3 {
		table.Charge(table.Pick(0b010, 0b100), slice)
	}
	for range 3 {
		if i := table.Pick(0b110, 0); i != 2 {
			t.Fatalf("share %d runs before the one that was held", i)
		}
		table.Charge(2, slice)
	}
}
