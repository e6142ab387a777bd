package simulate

import (
	"math/rand/v2"
	"slices"
)

// Choices are all the decisions of a run: one seed, or one list, replays it.
type Choices struct {
	rng    *rand.Rand
	given  []uint32 // taken first; then zeroes, unless there is a rng
	at     int
	record []uint32
	replay bool
}

// Seeded makes choices from a seed. keep says whether to record them, for Shrink.
func Seeded(seed uint64, keep bool) *Choices {
	c := &Choices{rng: rand.New(rand.NewPCG(seed, 0xba77e1))}
	if keep {
		c.record = []uint32{}
	}
	return c
}

// Given makes the choices of a list, and zeroes after its end.
func Given(list []uint32) *Choices { return &Choices{given: list, replay: true} }

// N chooses a number from 0 to n-1; 0 is the simplest choice. n is at least 1.
func (c *Choices) N(n int) int {
	if c.replay {
		v := uint32(0)
		if c.at < len(c.given) {
			v = c.given[c.at]
		}
		c.at++
		return int(v) % n
	}
	v := c.rng.IntN(n)
	if c.record != nil {
		c.record = append(c.record, uint32(v))
	}
	return v
}

// Record returns the choices so far, if they were kept.
func (c *Choices) Record() []uint32 { return c.record }

// One reports true once in n times.
func (c *Choices) One(n int) bool { return c.N(n) == n-1 }

// Shrink looks for a simpler run that fails as well: it leaves choices out, makes them
// zero or smaller, as long as fails says that the run still fails and tries are left.
func Shrink(list []uint32, tries int, fails func(*Choices) bool) []uint32 {
	try := func(candidate []uint32) bool {
		if tries == 0 {
			return false
		}
		tries--
		if !fails(Given(candidate)) {
			return false
		}
		for len(candidate) > 0 && candidate[len(candidate)-1] == 0 {
			candidate = candidate[:len(candidate)-1] // there are zeroes after the end anyway
		}
		list = candidate
		return true
	}
	for progress := true; progress && tries > 0; {
		progress = false
		for size := max(len(list)/2, 1); size >= 1; size /= 2 {
			for at := 0; at < len(list); {
				end := min(at+size, len(list))
				if try(slices.Delete(slices.Clone(list), at, end)) {
					progress = true
					continue
				}
				if zeroed := slices.Clone(list); slices.Max(zeroed[at:end]) > 0 {
					clear(zeroed[at:end])
					progress = try(zeroed) || progress
				}
				at = end
			}
		}
		for i := 0; i < len(list); i++ {
			for list[i] > 0 {
				smaller := slices.Clone(list)
				smaller[i] /= 2
				if !try(smaller) || i >= len(list) {
					break
				}
				progress = true
			}
		}
	}
	return list
}
