// Package maps is a core's memory-map table: every mapping of the core's
// address space with its range, kind, protection and page size, sorted and
// without overlaps. It is state that the core's monitor owns (paper §4.7) and
// the CPU driver keeps up to date as it serves mmap and its kin; so it never
// allocates and holds no pointers.
package maps

import (
	"barreleye/devices/boot"
	"barreleye/devices/layout"
)

// Max is the number of mappings a table can hold.
const Max = 4096

// Table is the map table of one address space. The zero Table is empty.
type Table struct {
	n int
	m [Max]boot.Mapping
}

// Len returns the number of mappings.
func (t *Table) Len() int { return t.n }

// At returns mapping i in address order.
func (t *Table) At(i int) boot.Mapping { return t.m[i] }

// search returns the index of the first mapping that ends above addr.
func (t *Table) search(addr uint64) int {
	lo, hi := 0, t.n
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if t.m[mid].End <= addr {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// Lookup returns the mapping that contains addr.
func (t *Table) Lookup(addr uint64) (boot.Mapping, bool) {
	i := t.search(addr)
	if i == t.n || t.m[i].Start > addr {
		return boot.Mapping{}, false
	}
	return t.m[i], true
}

// Free reports whether no mapping touches [start, end).
func (t *Table) Free(start, end uint64) bool {
	i := t.search(start)
	return i == t.n || t.m[i].Start >= end
}

// Next returns the first mapping that ends above addr, for walks in address
// order.
func (t *Table) Next(addr uint64) (boot.Mapping, bool) {
	i := t.search(addr)
	if i == t.n {
		return boot.Mapping{}, false
	}
	return t.m[i], true
}

// Gap returns the lowest address of a free range of size bytes within
// [low, high), aligned to align (a power of two), or 0 if there is none.
func (t *Table) Gap(size, align, low, high uint64) uint64 {
	addr := (low + align - 1) &^ (align - 1)
	for i := t.search(addr); addr+size <= high && addr+size > addr; i++ {
		if i == t.n || t.m[i].Start >= addr+size {
			return addr
		}
		addr = (t.m[i].End + align - 1) &^ (align - 1)
	}
	return 0
}

// same reports whether a mapping and the one that follows it may be one.
func same(a, b boot.Mapping) bool {
	return a.Kind == b.Kind && a.Prot == b.Prot && a.Huge == b.Huge && cut(a, b.Start).Frame == b.Frame
}

// cut returns what is left of a mapping from an address on.
func cut(m boot.Mapping, start uint64) boot.Mapping {
	if m.Kind == boot.KindFrame {
		m.Frame += uint32((start - m.Start) / layout.PageSize)
	}
	m.Start = start
	return m
}

// Insert adds a mapping to a free range, joined with like neighbours. It
// reports false, and changes nothing, where the range is not free or empty or
// the table is full.
func (t *Table) Insert(m boot.Mapping) bool {
	if m.Start >= m.End || !t.Free(m.Start, m.End) {
		return false
	}
	i := t.search(m.Start)
	left := i > 0 && t.m[i-1].End == m.Start && same(t.m[i-1], m)
	right := i < t.n && t.m[i].Start == m.End && same(m, t.m[i])
	switch {
	case left && right:
		t.m[i-1].End = t.m[i].End
		copy(t.m[i:t.n], t.m[i+1:t.n])
		t.n--
	case left:
		t.m[i-1].End = m.End
	case right:
		t.m[i].Start, t.m[i].Frame = m.Start, m.Frame
	case t.n == Max:
		return false
	default:
		copy(t.m[i+1:t.n+1], t.m[i:t.n])
		t.m[i] = m
		t.n++
	}
	return true
}

// Remove takes [start, end) out of the table, cutting mappings that reach
// beyond it. It reports false, and changes nothing, if a cut in two finds the
// table full.
func (t *Table) Remove(start, end uint64) bool {
	i := t.search(start)
	if start >= end || i == t.n || t.m[i].Start >= end {
		return true
	}
	if t.m[i].Start < start && t.m[i].End > end {
		if t.n == Max {
			return false
		}
		copy(t.m[i+1:t.n+1], t.m[i:t.n])
		t.n++
		t.m[i].End = start
		t.m[i+1] = cut(t.m[i+1], end)
		return true
	}
	if t.m[i].Start < start {
		t.m[i].End = start
		i++
	}
	j := i
	for j < t.n && t.m[j].End <= end {
		j++
	}
	if j < t.n && t.m[j].Start < end {
		t.m[j] = cut(t.m[j], end)
	}
	copy(t.m[i:], t.m[j:t.n])
	t.n -= j - i
	return true
}

// Set gives the mappings in [start, end) another protection and page size. It reports
// false, and changes nothing, where the table has no room for two mappings more.
func (t *Table) Set(start, end uint64, prot, huge uint8) bool {
	if !t.Room(2) {
		return false
	}
	for at := start; at < end; {
		m, ok := t.Next(at)
		if !ok || m.Start >= end {
			break
		}
		if m.Start < at { // also where it was joined with what was just set
			m = cut(m, at)
		}
		m.End = min(m.End, end)
		at = m.End
		m.Prot, m.Huge = prot, huge
		t.Remove(m.Start, m.End)
		t.Insert(m)
	}
	return true
}

// Room reports whether n more mappings fit.
func (t *Table) Room(n int) bool { return t.n+n <= Max }

// Copy writes the table to dst and returns how many entries fit.
func (t *Table) Copy(dst []boot.Mapping) int { return copy(dst, t.m[:t.n]) }
