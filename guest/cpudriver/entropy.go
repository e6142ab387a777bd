package cpudriver

import (
	"math/rand/v2"

	"barreleye/devices/entropy"
	"barreleye/devices/layout"
)

// generator is the ChaCha8 generator behind getrandom, keyed by the host for
// every life of the core. It replaces its key as it goes, so that earlier
// output cannot be computed from a later state.
var generator rand.ChaCha8

// initEntropy takes the seed and wipes it.
func initEntropy() {
	p := typed[entropy.Page](layout.EntropyVA)
	generator.Seed(p.Seed)
	*p = entropy.Page{}
}

// sysGetrandom serves getrandom.
func sysGetrandom(buffer, n uint64) uint64 {
	generator.Read(bytesAt(buffer, n))
	return n
}
