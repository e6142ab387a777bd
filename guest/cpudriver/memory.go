package cpudriver

import (
	"barreleye/devices/boot"
	"barreleye/devices/growth"
	"barreleye/devices/layout"
	"barreleye/guest/monitor/maps"
)

// Memory calls of the runtime. Anonymous memory is backed at once, so that
// touching it takes no trap; a sparse table (the runtime's 32 MiB heap index)
// is backed page by page on first touch instead.

const (
	mapFixed     = 0x10
	mapAnonymous = 0x20
	mapNoReplace = 0x100000

	// lazyFrom is the size from which memory mapped without an address counts
	// as a sparse table. Heap arenas are mapped at addresses, in steps.
	lazyFrom = 16 << 20
	// lazyCluster is backed around a first touch, to save traps.
	lazyCluster = 4 * layout.PageSize
	// freeFrom is the size from which memory that is not needed gives its frames back, and
	// what is backed around the next touch: a trap costs as much as zeroing that.
	freeFrom = 16 * layout.PageSize
	// hugeAfter is the amount of anonymous memory from which on huge pages
	// are used: below it a program stays small in the host.
	hugeAfter = 16 << 20
)

// addressSpace is the core's map table. It is the monitor's state; the driver
// keeps it.
var addressSpace maps.Table

var (
	anonymous uint64 // bytes of anonymous memory, but for sparse mappings
	promised  uint64 // frames that it lacks, as it was not needed for a while: they must be there when it is
	inMemory  bool   // the driver is changing page tables: a fault now is its own
	refusals  uint64 // mappings refused for want of memory
)

func initMemory(b *boot.Page) {
	initFrames(b)
	initPageTables(b)
	for i := uint64(0); i < b.MappingCount; i++ {
		addressSpace.Insert(b.Mappings[i])
	}
}

// ours reports whether the program may change all mappings in [start, end).
func ours(start, end uint64) bool {
	for m, ok := addressSpace.Next(start); ok && m.Start < end; m, ok = addressSpace.Next(m.End) {
		if m.Kind != boot.KindAnon && m.Kind != boot.KindLazy && m.Kind != boot.KindReserved {
			return false
		}
	}
	return true
}

// sysMmap serves mmap(addr, length, prot, flags).
func sysMmap(addr, length, prot, flags uint64) uint64 {
	size := (length + layout.PageSize - 1) &^ (layout.PageSize - 1)
	if length == 0 || size < length || addr%layout.PageSize != 0 {
		return errno(eINVAL)
	}
	if flags&mapAnonymous == 0 {
		return errno(eNODEV)
	}
	fixed := flags&(mapFixed|mapNoReplace) != 0
	switch {
	case fixed:
		if addr < layout.PageSize || addr+size < addr || addr+size > layout.MmapEnd || !ours(addr, addr+size) {
			return errno(eINVAL)
		}
		if flags&mapNoReplace != 0 && !addressSpace.Free(addr, addr+size) {
			return errno(eEXIST)
		}
	case addr < layout.MmapVA || addr+size < addr || addr+size > layout.MmapEnd || !addressSpace.Free(addr, addr+size):
		align := uint64(layout.PageSize)
		if size >= layout.HugeSize {
			align = layout.HugeSize
		}
		addr = addressSpace.Gap(size, align, layout.MmapVA, layout.MmapEnd)
		if addr == 0 {
			return refuse(size)
		}
	}
	inMemory = true
	result := mapAnon(addr, addr+size, uint8(prot&7), !fixed)
	flush()
	inMemory = false
	publishFrames()
	return result
}

// mapAnon makes [start, end) anonymous memory, in place of what was there.
func mapAnon(start, end uint64, prot uint8, mayBeSparse bool) uint64 {
	if !addressSpace.Room(5) {
		return refuse(end - start)
	}
	if e := unmap(start, end); e != 0 {
		return e
	}
	flush() // new frames are zeroed through these very addresses
	m := boot.Mapping{Start: start, End: end, Kind: boot.KindAnon, Prot: prot}
	switch {
	case prot == 0:
		m.Kind = boot.KindReserved
	case mayBeSparse && end-start >= lazyFrom && bootPage().Flags&boot.FlagPopulate == 0:
		m.Kind = boot.KindLazy
	default:
		return back(m)
	}
	addressSpace.Insert(m)
	return start
}

// back gives m frames: huge pages in the middle where that is worth it.
func back(m boot.Mapping) uint64 {
	need := (m.End - m.Start) / layout.PageSize
	tables := (m.End-m.Start)/layout.HugeSize + 8
	if need+promised > frameFree+growable() {
		lastAnswer = growth.Limit
		return refuse(m.End - m.Start)
	}
	if need > frameFree && !grow(need-frameFree) || tables > tableLeft {
		return refuse(m.End - m.Start)
	}
	hugeStart := (m.Start + layout.HugeSize - 1) &^ (layout.HugeSize - 1)
	hugeEnd := m.End &^ (layout.HugeSize - 1)
	if hugeEnd > hugeStart && anonymous >= hugeAfter && freeBlocks((hugeEnd-hugeStart)/layout.HugeSize) {
		if !backRange(boot.Mapping{Start: m.Start, End: hugeStart, Kind: m.Kind, Prot: m.Prot}) ||
			!backRange(boot.Mapping{Start: hugeStart, End: hugeEnd, Kind: m.Kind, Prot: m.Prot, Huge: 1}) ||
			!backRange(boot.Mapping{Start: hugeEnd, End: m.End, Kind: m.Kind, Prot: m.Prot}) {
			unmap(m.Start, m.End)
			return refuse(m.End - m.Start)
		}
		return m.Start
	}
	if !backRange(m) {
		unmap(m.Start, m.End)
		return refuse(m.End - m.Start)
	}
	return m.Start
}

func backRange(m boot.Mapping) bool {
	if m.Start == m.End {
		return true
	}
	addressSpace.Insert(m)
	anonymous += m.End - m.Start
	promised += (m.End - m.Start) / layout.PageSize
	before := framesInUse()
	ok := fill(m)
	promised -= framesInUse() - before
	return ok
}

// fill gives every page of m that has none a frame.
func fill(m boot.Mapping) bool {
	for va := m.Start; va < m.End; {
		if m.Huge != 0 && mapHuge(va, m.Prot) {
			va += layout.HugeSize
			continue
		}
		// a level-1 table left by an older, smaller mapping is used up by
		// small pages
		for end := min((va+layout.HugeSize)&^(layout.HugeSize-1), m.End); va < end; va += layout.PageSize {
			if frame, _ := backed(va); !frame && !mapSmall(va, m.Prot) {
				return false
			}
		}
	}
	return true
}

// unmap takes [start, end) out of table and page tables; 0 or an errno.
func unmap(start, end uint64) uint64 {
	for m, ok := addressSpace.Next(start); ok && m.Start < end; m, ok = addressSpace.Next(m.End) {
		if m.Kind != boot.KindAnon {
			continue
		}
		from, to := max(m.Start, start), min(m.End, end)
		if !addressSpace.Remove(from, to) {
			return errno(eNOMEM)
		}
		before := framesInUse()
		done := unmapPages(from, to)
		anonymous -= to - from
		promised -= (to-from)/layout.PageSize - (before - framesInUse())
		if !done {
			return errno(eNOMEM)
		}
	}
	if !addressSpace.Remove(start, end) || !unmapPages(start, end) {
		return errno(eNOMEM)
	}
	return 0
}

// refuse answers ENOMEM and says why in the log, because the runtime's own
// message that follows cannot.
func refuse(size uint64) uint64 {
	refusals++
	if refusals <= 4 {
		var l line
		l.text("out of memory: mapping of ")
		l.decimal(size >> 10)
		l.text(" KiB refused, ")
		publishFrames()
		l.decimal(counters().FramesUsed * layout.PageSize >> 10)
		l.text(" of ")
		l.decimal(counters().FramesTotal * layout.PageSize >> 10)
		l.text(" KiB in use; ")
		l.text(growthRefused())
		l.log()
	}
	return errno(eNOMEM)
}

// sysMunmap serves munmap(addr, length).
func sysMunmap(addr, length uint64) uint64 {
	end := (addr + length + layout.PageSize - 1) &^ (layout.PageSize - 1)
	if addr%layout.PageSize != 0 || length == 0 || end <= addr || !ours(addr, end) {
		return errno(eINVAL)
	}
	inMemory = true
	result := unmap(addr, end)
	flush()
	inMemory = false
	giveBack(false)
	publishFrames()
	return result
}

// sysMprotect serves mprotect(addr, length, prot).
func sysMprotect(addr, length, prot uint64) uint64 {
	end := (addr + length + layout.PageSize - 1) &^ (layout.PageSize - 1)
	if addr%layout.PageSize != 0 || end < addr || !ours(addr, end) {
		return errno(eINVAL)
	}
	inMemory = true
	result := protect(addr, end, uint8(prot&7))
	flush()
	inMemory = false
	publishFrames()
	return result
}

func protect(start, end uint64, prot uint8) uint64 {
	for va := start; va < end; {
		m, ok := addressSpace.Next(va)
		if !ok || m.Start > va {
			return errno(eNOMEM)
		}
		if !addressSpace.Room(3) {
			return errno(eNOMEM)
		}
		m.Start, m.End = va, min(m.End, end)
		va = m.End
		if m.Kind == boot.KindReserved {
			if prot == 0 {
				continue
			}
			if r := mapAnon(m.Start, m.End, prot, true); r != m.Start {
				return r
			}
			continue
		}
		addressSpace.Remove(m.Start, m.End)
		m.Prot = prot
		addressSpace.Insert(m)
		if !protectPages(m.Start, m.End, prot) {
			return errno(eNOMEM)
		}
	}
	return 0
}

const (
	adviseDontNeed = 4
	adviseCollapse = 25
)

// sysMadvise serves madvise(addr, length, advice). After DONTNEED the memory
// must read as zeroes; everything else may be ignored.
func sysMadvise(addr, length, advice uint64) uint64 {
	switch advice {
	case adviseCollapse:
		return errno(eINVAL)
	case adviseDontNeed:
		end := (addr + length + layout.PageSize - 1) &^ (layout.PageSize - 1)
		if addr%layout.PageSize != 0 || end < addr || !ours(addr, end) {
			return errno(eINVAL)
		}
		inMemory = true
		dontNeed(addr, end)
		flush()
		inMemory = false
		giveBack(false)
		publishFrames()
	}
	return 0
}

func dontNeed(start, end uint64) {
	for m, ok := addressSpace.Next(start); ok && m.Start < end; m, ok = addressSpace.Next(m.End) {
		from, to := max(m.Start, start), min(m.End, end)
		switch {
		case m.Kind == boot.KindLazy:
			unmapPages(from, to)
		case m.Kind == boot.KindAnon && to-from >= freeFrom && tableLeft >= 2 && !flagged(boot.FlagPopulate):
			before := framesInUse()
			unmapPages(from, to) // which splits two huge pages at most
			promised += before - framesInUse()
		case m.Kind == boot.KindAnon && m.Prot&boot.Write != 0:
			wipe(from, to)
		case m.Kind == boot.KindAnon:
			protectPages(from, to, boot.Read|boot.Write)
			flush()
			wipe(from, to)
			protectPages(from, to, m.Prot)
		}
	}
}

// wipe zeroes what of [start, end) has frames.
func wipe(start, end uint64) {
	for va := start; va < end; {
		next := min((va+layout.HugeSize)&^(layout.HugeSize-1), end)
		switch d := directory(va, false); {
		case d == 0 || load64(d) == 0:
			va = next
		case load64(d)&pteHuge != 0:
			clear(bytesAt(va, next-va))
			va = next
		default:
			if frame, _ := backed(va); frame {
				clear(bytesAt(va, layout.PageSize))
			}
			va += layout.PageSize
		}
	}
}

// touch backs memory without frames at a faulting address, which is a sparse mapping or
// was not needed for a while, and reports whether that resolves the fault. code is the
// page fault's error code: bit 0 present, bit 1 write.
func touch(addr, code uint64) bool {
	m, ok := addressSpace.Lookup(addr)
	if !ok || m.Kind != boot.KindLazy && m.Kind != boot.KindAnon || code&1 != 0 || inMemory {
		return false
	}
	if m.Prot == 0 || code&2 != 0 && m.Prot&boot.Write == 0 {
		return false
	}
	inMemory = true
	before := framesInUse()
	size := uint64(lazyCluster)
	if m.Kind == boot.KindAnon {
		size = freeFrom
	}
	cluster := addr &^ (size - 1)
	done := false
	if block := addr &^ (layout.HugeSize - 1); m.Huge != 0 && block >= m.Start && block+layout.HugeSize <= m.End {
		done = mapHuge(block, m.Prot)
	}
	for va := max(cluster, m.Start); va < min(cluster+size, m.End); va += layout.PageSize {
		if frame, _ := backed(va); frame {
			done = done || va == addr&^(layout.PageSize-1)
			continue
		}
		if !mapSmall(va, m.Prot) {
			break
		}
		done = done || va == addr&^(layout.PageSize-1)
	}
	if m.Kind == boot.KindAnon {
		promised -= framesInUse() - before
	}
	flush()
	inMemory = false
	publishFrames()
	if !done {
		refuse(layout.PageSize)
	}
	return done
}
