package region

import "barreleye/devices/layout"

// Shared memory: the last part of the region, from a 2 MiB boundary on, for what cores
// share by capabilities. It is zeroes until somebody writes. The whole of it is memory of
// every core's machine, and no core's page tables map any of it at first: who may use which
// part is up to the capabilities, and whoever holds one maps it where it likes. Nobody
// wipes it when a core dies, since others may hold what the dead one wrote; who takes a
// part anew zeroes it.

// DefaultRAM is the size of shared memory where nothing else is asked for, bytes. What
// nobody touches takes no memory, but KVM keeps 8 bytes of each page in every guest.
const DefaultRAM = 16 << 20

const hugePages = layout.HugeSize / layout.PageSize

// ramPage is where it begins. At least one page in front is nobody's, so that no span of
// another kind reaches up to it.
func (g Geometry) ramPage() int { return (g.end() + hugePages) &^ (hugePages - 1) }

// RAM returns where in the region shared memory lies, and its size, both in bytes and
// multiples of 2 MiB.
func (g Geometry) RAM() (offset, size uint64) {
	return uint64(g.ramPage()) * layout.PageSize, uint64(g.RAMPages) * layout.PageSize
}

// RAMSpan is the same in pages.
func (g Geometry) RAMSpan() Span { return Span{g.ramPage(), g.RAMPages, ReadWrite} }

func (g Geometry) isRAM(page int) bool {
	return page >= g.ramPage() && page < g.ramPage()+g.RAMPages
}
