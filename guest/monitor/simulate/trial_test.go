package simulate

import (
	"strings"
	"testing"
)

// TestSize: seeds make all small numbers of cores, and all larger ones up to 64, but rarely.
func TestSize(t *testing.T) {
	seen, large := map[int]int{}, 0
	for seed := range uint64(10_000) {
		s := Trial{Seed: seed}
		s.Size(2, 6, 20)
		if seen[s.Cores]++; s.Cores > 6 {
			large++
		}
	}
	for n := 2; n <= 64; n++ {
		if seen[n] == 0 {
			t.Errorf("no seed makes %d cores", n)
		}
	}
	if len(seen) != 63 || large != 10_000/20 {
		t.Errorf("%d sizes, %d of 10000 large", len(seen), large)
	}
}

func TestNote(t *testing.T) {
	var log strings.Builder
	s := Trial{Log: &log}
	s.Note("core %d dies", 3)
	if log.String() != "core 3 dies\n" {
		t.Errorf("%q", &log)
	}
	s.Log = nil
	s.Note("nobody reads it")
}
