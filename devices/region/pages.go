package region

import (
	"barreleye/devices/layout"
	"barreleye/urpc"
)

// Pages that cores hand over (package urpc/pages): a side per ordered pair of the
// channel that carries their lines, and a pool of pages per pair of cores. Of a
// pool each page has one writer at a time, one of its two cores.

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

// PairsSize is the size of what pairs write together, the pools among it, in bytes.
func (g Geometry) PairsSize() uint64 {
	return uint64(g.end()-g.privatePage(g.Cores)) * layout.PageSize
}

// Pages views the pool of pages of a pair, whose cores may come in any order.
func (v *View) Pages(a, b int) ([]byte, error) {
	return urpc.MemoryAt(v.addr(v.pairPool(a, b)), v.PairPages()*layout.PageSize)
}

// Pairs views the memory in which the pools of all pairs lie.
func (v *View) Pairs() ([]byte, error) {
	return urpc.MemoryAt(v.addr(v.privatePage(v.Cores)), int(v.PairsSize()))
}

// PageAt returns which page of which pair's pool lies at an address; a < b. It
// does not allocate.
func (v *View) PageAt(addr uint64) (a, b, page int, ok bool) {
	if addr < uint64(v.addr(v.privatePage(v.Cores))) || addr >= uint64(v.addr(v.end())) {
		return 0, 0, 0, false
	}
	a, b, page = v.pairAt(int((addr - uint64(v.base)) / layout.PageSize))
	page -= v.pairPool(a, b) - v.pairPage(a, b)
	return a, b, page, page >= 0
}

// pairAt returns to which pair a page belongs that pairs write together, and which
// one of the pair's it is.
func (g Geometry) pairAt(at int) (a, b, page int) {
	for a+1 < g.Cores-1 && at >= g.pairPage(a+1, a+2) {
		a++
	}
	at -= g.pairPage(a, a+1)
	return a, a + 1 + at/g.pairPages(), at % g.pairPages()
}

// Lend notes that core owner lends some pages of its pool with core peer to core to,
// or lends them no more. The owner alone calls it.
func (v *View) Lend(owner, peer, to, first, pages int, lent bool) {
	for p := first; p < first+pages; p++ {
		word, bit := &v.grants(owner, peer, to)[p/32], uint32(1)<<(p%32)
		if lent {
			word.Or(bit)
		} else {
			word.And(^bit)
		}
	}
}

// Lent returns the run of pages around a page of the region that one of the cores whose
// pool they are lends to a third core. It trusts nothing that it reads: whatever cores
// write, the run lies in a pool of a core that wrote so.
func (v *View) Lent(page, to int) (run Span, ok bool) {
	if page < v.privatePage(v.Cores) || page >= v.end() {
		return run, false
	}
	a, b, at := v.pairAt(page)
	pool := v.pairPool(a, b)
	if at -= pool - v.pairPage(a, b); at < 0 || to == a || to == b {
		return run, false
	}
	for _, owner := range []int{a, b} {
		bits := v.grants(owner, a+b-owner, to)
		lent := func(p int) bool { return p >= 0 && p < v.PairPages() && bits[p/32].Load()>>(p%32)&1 != 0 }
		if !lent(at) {
			continue
		}
		first, end := at, at+1
		for lent(first - 1) {
			first--
		}
		for lent(end) {
			end++
		}
		return Span{pool + first, end - first, ReadWrite}, true
	}
	return run, false
}
