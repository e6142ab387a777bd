package region

import (
	"barreleye/devices/layout"
	"barreleye/urpc"
)

// Pages that cores hand over (package urpc/pages): behind the broadcasts lies a
// side per ordered pair of the channel that carries their lines, then a pool of
// pages per pair of cores a < b. Of a pool each page has one writer at a time,
// one of its two cores.

// PageLines is the size of the rings of that channel, in lines.
const PageLines = 64

// PairPages returns how many pages the pool of a pair has: many cores must share
// the region.
func (g Geometry) PairPages() int {
	switch {
	case g.Cores <= 8:
		return 1024
	case g.Cores <= 32:
		return 64
	default:
		return 32
	}
}

// pageSide is where the side of that channel begins.
func (g Geometry) pageSide(from, to int) int {
	return g.broadcastPage(g.Cores) + (from*g.Cores+to)*(urpc.SideBytes(PageLines)/layout.PageSize)
}

// pairPool is where the pool of a pair begins; a < b. The one of the last core
// with itself, which there is not, begins behind the last one.
func (g Geometry) pairPool(a, b int) int {
	pools := a*(2*g.Cores-a-1)/2 + b - a - 1 // before this one
	return g.pageSide(g.Cores, 0) + pools*g.PairPages()
}

// endPages is the first page behind the last pool.
func (g Geometry) endPages() int { return g.pairPool(g.Cores-1, g.Cores) }

// PagesSize is the size of all pools in bytes.
func (g Geometry) PagesSize() uint64 {
	return uint64(g.endPages()-g.pageSide(g.Cores, 0)) * layout.PageSize
}

// Pages views the pool of pages of a pair, whose cores may come in any order.
func (v *View) Pages(a, b int) ([]byte, error) {
	return urpc.MemoryAt(v.addr(v.pairPool(min(a, b), max(a, b))), v.PairPages()*layout.PageSize)
}

// AllPages views the pools of all pairs.
func (v *View) AllPages() ([]byte, error) {
	return urpc.MemoryAt(v.addr(v.pageSide(v.Cores, 0)), int(v.PagesSize()))
}

// PageAt returns which page of which pair's pool lies at an address; a < b. It
// does not allocate.
func (v *View) PageAt(addr uint64) (a, b, page int, ok bool) {
	if addr < uint64(v.addr(v.pageSide(v.Cores, 0))) || addr >= uint64(v.addr(v.endPages())) {
		return 0, 0, 0, false
	}
	at := int((addr - uint64(v.base)) / layout.PageSize)
	for a+1 < v.Cores-1 && at >= v.pairPool(a+1, a+2) {
		a++
	}
	at -= v.pairPool(a, a+1)
	return a, a + 1 + at/v.PairPages(), at % v.PairPages(), true
}
