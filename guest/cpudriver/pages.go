package cpudriver

import (
	"barreleye/devices/boot"
	"barreleye/devices/layout"
	"barreleye/urpc/pages"
)

// The debug mode for pages that cores hand over (package urpc/pages): pages that
// the program does not own are not present, and their entries say why. The map
// table goes on showing the region as one.

const (
	pteWhyShift = 52 // software, as bits 53 and 54
	pteWhy      = 7 << pteWhyShift
)

// debugPages protects pages [addr, addr+size) of pools, for access.
func debugPages(addr, size, access uint64) uint64 {
	_, _, _, first := view.PageAt(addr)
	_, _, _, last := view.PageAt(addr + size - 1)
	if !first || !last || size == 0 || (addr|size)%layout.PageSize != 0 || access > uint64(pages.Released) {
		return errno(eINVAL)
	}
	bits := access << pteWhyShift
	if access == uint64(pages.ReadWrite) {
		bits = protection(boot.Read | boot.Write)
	}
	inMemory = true
	ok := changePages(addr, addr+size, protectionBits|pteWhy, bits)
	flush()
	inMemory = false
	if !ok {
		return errno(eNOMEM)
	}
	return 0
}

// explainPage logs what the program did wrong where f is a use of a page that it
// does not own.
func explainPage(f faultInfo) {
	a, b, page, ok := view.PageAt(f.addr)
	if f.vector != vecPageFault || f.err&1 != 0 || !ok || !flagged(boot.FlagDebugPages) {
		return
	}
	e := directory(f.addr, false)
	if e == 0 {
		return
	}
	v := load64(e)
	if v&pteHuge == 0 {
		v = load64(tableVA(v) + f.addr>>12&511*8)
	}
	var l line
	l.text("page ")
	l.decimal(uint64(page))
	switch coreID {
	case a, b:
		l.text(" of the pool with core ")
		l.decimal(uint64(a + b - coreID))
	default:
		l.text(" of the pool of cores ")
		l.decimal(uint64(a))
		l.text(" and ")
		l.decimal(uint64(b))
	}
	l.text(" ")
	l.text(pages.Access(v & pteWhy >> pteWhyShift).Used())
	l.log()
}
