package region

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"barreleye/devices/boot"
	"barreleye/devices/layout"
)

// Layouts that both sides rely on: each structure fits its pages, and the map
// snapshot's entries have the size MapEntries counts with.
const (
	_ = uint(layout.PageSize - unsafe.Sizeof(Header{}))
	_ = uint(layout.PageSize - unsafe.Sizeof(Block{}))
	_ = uint(layout.PageSize - unsafe.Sizeof(Crash{}))
	_ = uint(layout.PageSize - unsafe.Sizeof(VMMBlock{}))
	_ = uint(entriesOffset-unsafe.Sizeof(Totals{})) + uint(unsafe.Sizeof(Totals{})-entriesOffset)
	_ = uint(entrySize-unsafe.Sizeof(entryWords{})) + uint(unsafe.Sizeof(entryWords{})-entrySize)
	_ = uint(24-unsafe.Sizeof(boot.Mapping{})) + uint(unsafe.Sizeof(boot.Mapping{})-24)
)

// at returns the given page as a *T. The region is not Go memory, so the
// conversion hides no pointer from the collector.
func at[T any](v *View, page int) *T {
	a := v.addr(page)
	return *(**T)(unsafe.Pointer(&a))
}

// entry returns entry i of a directory. It must be one of Entries.
func (v *View) entry(from, to, i int) *entryWords {
	a := v.addr(v.directoryPage(from, to)) + entriesOffset + uintptr(i)*entrySize
	return *(**entryWords)(unsafe.Pointer(&a))
}

// bytesAt returns some pages as bytes.
func bytesAt(v *View, page, pages int) []byte {
	a := v.addr(page)
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&a)), pages*layout.PageSize)
}

// Settled returns the word by which a core says up to which life of another one it
// has let go of all that it shared with it.
func (v *View) Settled(core, of int) *atomic.Uint64 {
	a := v.addr(v.settledPage(core)) + uintptr(of)*8
	return *(**atomic.Uint64)(unsafe.Pointer(&a))
}

// grants are the bits by which a core says what of its pool with another one it lends
// to a third.
func (v *View) grants(owner, peer, to int) []atomic.Uint32 {
	words := v.PairPages() / 32
	a := v.addr(v.grantPage(owner)) + uintptr((peer*v.Cores+to)*words)*4
	return unsafe.Slice(*(**atomic.Uint32)(unsafe.Pointer(&a)), words)
}

// PoolBytes returns the pool that core from has towards core to.
func (v *View) PoolBytes(from, to int) []byte { return bytesAt(v, v.poolPage(from, to), v.PoolPages) }

// Format writes the header of a zeroed region at base and returns its view.
// The VMM calls it once.
func Format(base uintptr, g Geometry) (*View, error) {
	if err := g.Check(); err != nil {
		return nil, err
	}
	v := &View{Geometry: g, base: base}
	h := v.Header()
	h.Magic, h.Version, h.Cores = Magic, Version, uint64(g.Cores)
	h.Size, h.RingLines, h.PoolPages, h.RAMPages = g.Size(), uint64(g.RingLines), uint64(g.PoolPages), uint64(g.RAMPages)
	h.Epoch.Store(1)
	return v, nil
}

// Check reports a region that another version laid out.
func Check(v *View) error {
	h := v.Header()
	if h.Magic != Magic || h.Version != Version {
		return fmt.Errorf("shared region: magic %#x version %d, want %#x version %d: rebuild the image with this VMM's version",
			h.Magic, h.Version, uint64(Magic), Version)
	}
	return nil
}

// Open returns a view of the region at base without checking it: the CPU
// driver runs where errors cannot be made. Programs call Check first.
func Open(base uintptr) View {
	v := View{base: base}
	h := v.Header()
	v.Geometry = Geometry{Cores: int(h.Cores), RingLines: int(h.RingLines), PoolPages: int(h.PoolPages), RAMPages: int(h.RAMPages)}
	return v
}
