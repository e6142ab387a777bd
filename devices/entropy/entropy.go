// Package entropy is the seed device: 32 random bytes that the VMM leaves in a
// page of their own for every life of a core. The driver keys its generator
// with them and wipes the page, so that a later reader of guest memory (a core
// file, a snapshot) cannot replay the generator.
package entropy

// SeedSize is the seed's length in bytes.
const SeedSize = 32

// Page is the seed page at layout.EntropyVA. The VMM writes it before the
// vCPU starts, the driver afterwards.
type Page struct {
	Seed  [SeedSize]byte
	Valid uint64 // 1: seed not yet taken
}
