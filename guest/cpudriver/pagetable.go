package cpudriver

import (
	"barreleye/devices/boot"
	"barreleye/devices/layout"
)

// Page-table entry bits (SDM vol. 3, 4.5.4). Accessed and dirty are set from
// the start: nobody here asks for them and the CPU need not write them.
const (
	ptePresent = 1 << 0
	pteWrite   = 1 << 1
	pteUser    = 1 << 2
	pteHuge    = 1 << 7
	pteUsed    = 1<<5 | 1<<6
	pteOwned   = 1 << 9 // software: the frame goes back to the allocator
	pteNX      = 1 << 63
	pteAddress = 0x000f_ffff_ffff_f000
)

var (
	tablePool  uint64 // guest-physical address of the pool; its first page is the root
	tablePages uint64 // pages in the pool
	tableTop   uint64 // pages ever used
	tableFree  uint64 // guest-physical address of a chain of freed pages, linked by their first word
	tableLeft  uint64 // pages still to be had
	stale      bool   // the TLB may hold entries that were taken back
)

func initPageTables(b *boot.Page) {
	tablePool, tablePages, tableTop = b.Tables, b.TablePages, b.TablesUsed
	tableLeft = tablePages - tableTop
	vnodes[0].level = 4
}

// tableVA returns the address of a page-table page in the driver's window.
func tableVA(entry uint64) uint64 {
	return layout.PageTableVA + entry&pteAddress - tablePool
}

// newTable returns an empty page-table page, or 0.
func newTable() uint64 {
	if tableLeft == 0 {
		return 0
	}
	tableLeft--
	if g := tableFree; g != 0 {
		tableFree = load64(tableVA(g))
		store64(tableVA(g), 0)
		return g
	}
	g := tablePool + tableTop*layout.PageSize
	tableTop++
	return g
}

// dropTable gives back a page-table page whose entries are all zero.
func dropTable(gpa uint64) {
	store64(tableVA(gpa), tableFree)
	tableFree = gpa
	tableLeft++
}

// directory returns the address of the level-2 entry for va, or 0 where the
// levels above are missing and create is false or the pool is empty.
func directory(va uint64, create bool) uint64 {
	t := uint64(layout.PageTableVA)
	for shift := uint(39); shift > 21; shift -= 9 {
		e := t + va>>shift&511*8
		v := load64(e)
		if v == 0 {
			if !create {
				return 0
			}
			g := newTable()
			if g == 0 {
				return 0
			}
			v = g | ptePresent | pteWrite | pteUser | pteUsed
			store64(e, v)
		}
		t = tableVA(v)
	}
	return t + va>>21&511*8
}

// entry returns the address of the level-1 entry for va. A huge page in the
// way is split. It returns 0 as directory does.
func entry(va uint64, create bool) uint64 {
	d := directory(va, create)
	if d == 0 {
		return 0
	}
	v := load64(d)
	if v == 0 || v&pteHuge != 0 {
		if v == 0 && !create {
			return 0
		}
		g := newTable()
		if g == 0 {
			return 0
		}
		if v != 0 {
			for i := uint64(0); i < framesPerBlock; i++ {
				store64(tableVA(g)+i*8, v&^pteHuge+i*layout.PageSize)
			}
			stale = true
		}
		v = g | ptePresent | pteWrite | pteUser | pteUsed
		store64(d, v)
	}
	return tableVA(v) + va>>12&511*8
}

// protection returns the entry bits for PROT_* bits.
func protection(prot uint8) uint64 {
	if prot == 0 {
		return 0
	}
	e := uint64(ptePresent | pteUser | pteUsed)
	if prot&boot.Write != 0 {
		e |= pteWrite
	}
	if prot&boot.Exec == 0 {
		e |= pteNX
	}
	return e
}

const protectionBits = ptePresent | pteWrite | pteUser | pteUsed | pteNX

// mapSmall backs the page at va with a frame of zeroes.
func mapSmall(va uint64, prot uint8) bool {
	e := entry(va, true)
	if e == 0 {
		return false
	}
	gpa, dirty, ok := takeFrame()
	if !ok {
		return false
	}
	finishMap(e, va, layout.PageSize, gpa|pteOwned, prot, dirty)
	return true
}

// mapHuge backs the 2 MiB at va, for which there is no level-1 table.
func mapHuge(va uint64, prot uint8) bool {
	d := directory(va, true)
	if d == 0 || load64(d) != 0 {
		return false
	}
	gpa, dirty, ok := takeBlock()
	if !ok {
		return false
	}
	finishMap(d, va, layout.HugeSize, gpa|pteOwned|pteHuge, prot, dirty)
	return true
}

// finishMap writes the entry at e, zeroing old contents through the new
// mapping first.
func finishMap(e, va, size, value uint64, prot uint8, dirty bool) {
	bits := protection(prot)
	if dirty {
		store64(e, value|protection(boot.Read|boot.Write))
		clear(bytesAt(va, size))
		stale = stale || bits&pteWrite == 0
	}
	store64(e, value|bits)
}

// unmapPages takes [start, end) out of the page tables and gives its frames
// back. It fails only where a huge page must be split and no table is left.
func unmapPages(start, end uint64) bool {
	for va := start; va < end; {
		next := min((va+layout.HugeSize)&^(layout.HugeSize-1), end)
		d := directory(va, false)
		if d == 0 || load64(d) == 0 {
			va = next
			continue
		}
		v := load64(d)
		whole := va&(layout.HugeSize-1) == 0 && next-va == layout.HugeSize
		if v&pteHuge != 0 && whole {
			if v&pteOwned != 0 {
				putFrames(v&pteAddress&^(layout.HugeSize-1), framesPerBlock)
			}
			store64(d, 0)
			stale = true
			va = next
			continue
		}
		for ; va < next; va += layout.PageSize {
			e := entry(va, false)
			if e == 0 {
				return false
			}
			p := load64(e)
			if p == 0 {
				continue
			}
			if p&pteOwned != 0 {
				putFrames(p&pteAddress, 1)
			}
			store64(e, 0)
			stale = true
		}
		if whole {
			dropTable(v & pteAddress)
			store64(d, 0)
			stale = true
		}
	}
	return true
}

// protectPages changes the protection of every backed page in [start, end). It
// fails as unmapPages does.
func protectPages(start, end uint64, prot uint8) bool {
	return changePages(start, end, protectionBits, protection(prot))
}

// changePages changes the bits of mask in the entries of [start, end) that are
// not zero.
func changePages(start, end, mask, bits uint64) bool {
	for va := start; va < end; {
		next := min((va+layout.HugeSize)&^(layout.HugeSize-1), end)
		d := directory(va, false)
		if d == 0 || load64(d) == 0 {
			va = next
			continue
		}
		if v := load64(d); v&pteHuge != 0 && next-va == layout.HugeSize {
			store64(d, v&^mask|bits)
			stale = true
			va = next
			continue
		}
		for ; va < next; va += layout.PageSize {
			e := entry(va, false)
			if e == 0 {
				return false
			}
			if p := load64(e); p != 0 {
				store64(e, p&^mask|bits)
				stale = true
			}
		}
	}
	return true
}

// backed reports whether the page at va has a frame, and whether the program
// may write it now.
func backed(va uint64) (frame, writable bool) {
	d := directory(va, false)
	if d == 0 {
		return false, false
	}
	v := load64(d)
	if v != 0 && v&pteHuge == 0 {
		v = load64(tableVA(v) + va>>12&511*8)
	}
	return v != 0, v&(ptePresent|pteWrite) == ptePresent|pteWrite
}

// flush drops stale TLB entries by a trap into CPL0.
func flush() {
	if stale {
		stale = false
		counters().Flushes++
		callGate(gateFlush, 0)
	}
}
