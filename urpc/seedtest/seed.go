// Package seedtest gives a test that has something random its seed, so that a failure can be
// repeated. It imports nothing of urpc, whose own tests use it.
package seedtest

import (
	"flag"
	"testing"
	"time"
)

var seed = flag.Uint64("urpc.seed", 0, "seed of what is random; 0 takes one from the clock")

// Given returns the seed that the flag gives, 0 if none.
func Given() uint64 { return *seed }

// Seed returns the seed of a test, and prints it where that fails.
func Seed(t *testing.T) uint64 {
	s := Given()
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("repeat with -urpc.seed=%d", s)
		}
	})
	return s
}
