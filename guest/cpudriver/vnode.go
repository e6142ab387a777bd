package cpudriver

import (
	"barreleye/devices/boot"
	"barreleye/devices/layout"
)

// Page tables that are VNodes: pages of lent RAM through which capabilities are mapped
// (guest/monitor/vspace). The driver knows each of them with its level and where it is
// linked, and sees it in a window. The PML4 is the core's own, of which the slot for
// mapped frames alone is used by VNodes.

const maxVNodes = 1024

// vnodes are those there are, by number; level 0 marks a free entry. Number 0 is the PML4.
var vnodes [maxVNodes]struct {
	base   uint64 // guest-physical address
	above  uint16 // number of the VNode in whose slot it is
	slot   uint16
	used   uint16 // slots that are not empty
	level  uint8
	linked bool
}

// vnodeEntry returns the address of a slot.
func vnodeEntry(n, slot uint64) uint64 {
	if n == 0 {
		return layout.PageTableVA + slot*8
	}
	return layout.VNodeVA + n*layout.PageSize + slot*8
}

// makeVNode makes a page of lent RAM the empty VNode of a level, 3 to 1, and returns its
// number.
func makeVNode(base, level uint64) uint64 {
	if level < 1 || level > 3 || base%layout.PageSize != 0 || !isLent(base, layout.PageSize) ||
		frameMapped(base, layout.PageSize) || vnodeIn(base, layout.PageSize) {
		return errno(eINVAL)
	}
	for n := uint64(1); n < maxVNodes; n++ {
		v := &vnodes[n]
		if v.level != 0 {
			continue
		}
		e := entry(vnodeEntry(n, 0), true)
		if e == 0 {
			break
		}
		inMemory = true
		store64(e, base|protection(boot.Read|boot.Write))
		clear(bytesAt(vnodeEntry(n, 0), layout.PageSize))
		inMemory = false
		v.base, v.level, v.used, v.linked = base, uint8(level), 0, false
		return n
	}
	return errno(eNOMEM)
}

// dropVNode forgets one that is in no slot and empty.
func dropVNode(n uint64) uint64 {
	if n == 0 || n >= maxVNodes || vnodes[n].level == 0 || vnodes[n].linked || vnodes[n].used != 0 {
		return errno(eINVAL)
	}
	vnodes[n].level = 0
	store64(entry(vnodeEntry(n, 0), false), 0)
	invalidate(vnodeEntry(n, 0), 1)
	return 0
}

// vnodeIn reports whether a VNode lies in some memory.
func vnodeIn(base, size uint64) bool {
	for n := range vnodes {
		if v := &vnodes[n]; v.level != 0 && v.base-base < size {
			return true
		}
	}
	return false
}

// frameMapped reports whether some memory is mapped as a frame, or part of it.
func frameMapped(base, size uint64) bool {
	for m, ok := addressSpace.Next(layout.FrameVA); ok && m.Start < layout.FrameEnd; m, ok = addressSpace.Next(m.End) {
		if at := uint64(m.Frame) * layout.PageSize; m.Kind == boot.KindFrame && at < base+size && base < at+(m.End-m.Start) {
			return true
		}
	}
	return false
}

// mayMap reports whether memory is such as capabilities to frames name: shared memory, or
// lent RAM that holds no VNode.
func mayMap(base, size uint64) bool {
	offset, shared := view.RAM()
	if base-layout.RegionGPA-offset < shared {
		return size <= shared-(base-layout.RegionGPA-offset)
	}
	return isLent(base, size) && !vnodeIn(base, size)
}

// entryOf returns the page-table entry that maps an address, 0 for none.
func entryOf(va uint64) uint64 {
	n := uint64(0)
	for level := uint(4); ; level-- {
		e := load64(vnodeEntry(n, va>>(12+9*(level-1))&511))
		if e == 0 || level == 1 || e&pteHuge != 0 {
			return e
		}
		if n = vnodeAt(e & pteAddress); n == 0 {
			return 0 // not by VNodes
		}
	}
}

// vnodeAt returns the number of the VNode at an address, 0 for none.
func vnodeAt(base uint64) uint64 {
	for n := uint64(1); n < maxVNodes; n++ {
		if v := &vnodes[n]; v.level != 0 && v.base == base {
			return n
		}
	}
	return 0
}
