// Package regiontest makes shared regions for tests of what the VMM does with them.
package regiontest

import (
	"testing"

	"barreleye/devices/region"
	"barreleye/vmm/hostmem"
)

// New returns an empty region of a geometry, and its memory, until the test ends.
func New(t testing.TB, g region.Geometry) (*region.View, []byte) {
	t.Helper()
	mem, err := hostmem.AllocateShared("test", g.Size())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mem.Free() })
	view, err := region.Format(uintptr(mem.Address()), g)
	if err != nil {
		t.Fatal(err)
	}
	return view, mem.Bytes
}
