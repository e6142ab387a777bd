package cpudriver

import (
	"barreleye/devices/boot"
	"barreleye/devices/layout"
	"barreleye/guest/monitor/vspace"
)

// Steps are what the core's monitor asks to be done to VNodes. The driver checks each: that
// VNodes fit by level, that slots hold what the step takes away and nothing where it puts
// something, that frames are memory that may be one. It keeps the map table, drops what the
// TLB holds of what is no more, and remembers why a mapping went (gone.go).

// invalidateMost is up to how many pages are dropped from the TLB one by one. The price of
// one is four instructions at CPL0, that of dropping all is what is touched next.
const invalidateMost = 16

// doSteps does n steps at an address. Where one is refused, those before it are done: what
// asked is wrong about what there is.
func doSteps(at, n, why uint64) uint64 {
	if !addressSpace.Room(int(2*n) + 2) {
		return errno(eNOMEM)
	}
	inMemory = true
	var addr, pages, ranges uint64 // of what changed that was mapped
	result := uint64(0)
	for i := uint64(0); i < n; i++ {
		s := stepAt(at, i)
		if !doStep(s, why) {
			result = errno(eINVAL)
			break
		}
		if s.Op == vspace.Change || s.Op == vspace.Clear {
			addr, pages, ranges = s.Addr, uint64(s.Count), ranges+1
		}
	}
	switch {
	case ranges == 1 && pages <= invalidateMost:
		// This drops what the CPU remembers of the tables above as well.
		invalidate(addr, pages)
	case ranges > 0:
		stale = true
		flush()
	}
	inMemory = false
	return result
}

// invalidate drops what the TLB holds of up to 4095 pages, by a trap into CPL0.
func invalidate(addr, pages uint64) {
	counters().Invalidations += pages
	callGate(gateInval, addr|pages)
}

func doStep(s *vspace.Step, why uint64) bool {
	n, slot, count := uint64(s.Node), uint64(s.Slot), uint64(s.Count)
	if n >= maxVNodes || vnodes[n].level == 0 || vnodes[n].level != s.Level || count == 0 || slot+count > vspace.Slots {
		return false
	}
	shift := 12 + 9*uint(s.Level-1)
	size := count << shift
	if s.Addr < layout.FrameVA || s.Addr >= layout.FrameEnd || size > layout.FrameEnd-s.Addr ||
		s.Addr&(1<<shift-1) != 0 || s.Addr>>shift&511 != slot {
		return false
	}
	switch s.Op {
	case vspace.Link, vspace.Split, vspace.Unlink:
		return count == 1 && doChild(s, n, slot)
	}
	if s.Level > 2 || s.Op == vspace.Fill && (s.Frame%(1<<shift) != 0 || !mayMap(s.Frame, size)) {
		return false
	}
	bits := uint64(0)
	if s.Op != vspace.Clear {
		bits = protection(s.Prot & (boot.Read | boot.Write))
	}
	large := uint64(0)
	if s.Level == 2 {
		large = pteHuge
	}
	for i := slot; i < slot+count; i++ {
		v := load64(vnodeEntry(n, i))
		if s.Op == vspace.Fill && v != 0 || s.Op != vspace.Fill && (v == 0 || v&pteHuge != large) {
			return false
		}
	}
	for i := uint64(0); i < count; i++ {
		e := vnodeEntry(n, slot+i)
		switch s.Op {
		case vspace.Fill:
			store64(e, s.Frame+i<<shift|large|bits)
		case vspace.Change:
			store64(e, load64(e)&^protectionBits|bits)
		case vspace.Clear:
			store64(e, 0)
		}
	}
	switch end := s.Addr + size; s.Op {
	case vspace.Fill:
		vnodes[n].used += s.Count
		addressSpace.Insert(boot.Mapping{
			Start: s.Addr, End: end, Kind: boot.KindFrame, Prot: s.Prot, Huge: uint8(large / pteHuge), Frame: uint32(s.Frame / layout.PageSize),
		})
	case vspace.Change:
		addressSpace.Set(s.Addr, end, s.Prot, uint8(large/pteHuge))
	case vspace.Clear:
		vnodes[n].used -= s.Count
		noteGone(s.Addr, end, why)
		addressSpace.Remove(s.Addr, end)
	}
	return true
}

// doChild puts a VNode into a slot or takes it out.
func doChild(s *vspace.Step, n, slot uint64) bool {
	child := uint64(s.Child)
	if child == 0 || child >= maxVNodes {
		return false
	}
	below := &vnodes[child]
	e := vnodeEntry(n, slot)
	v := load64(e)
	if below.level == 0 || below.level != s.Level-1 || below.used != 0 {
		return false
	}
	link := below.base | ptePresent | pteWrite | pteUser | pteUsed
	if s.Op == vspace.Unlink {
		if !below.linked || uint64(below.above) != n || uint64(below.slot) != slot || v != link {
			return false
		}
		store64(e, 0)
		below.linked = false
		vnodes[n].used--
		return true
	}
	if below.linked || (s.Op == vspace.Link) != (v == 0) || s.Op == vspace.Split && (s.Level != 2 || v&pteHuge == 0) {
		return false
	}
	if s.Op == vspace.Link {
		vnodes[n].used++
	} else {
		for i := uint64(0); i < vspace.Slots; i++ {
			store64(vnodeEntry(child, i), v&^pteHuge+i*layout.PageSize)
		}
		below.used = vspace.Slots
		m, _ := addressSpace.Lookup(s.Addr)
		addressSpace.Set(s.Addr, s.Addr+layout.HugeSize, m.Prot, 0)
	}
	store64(e, link)
	below.linked, below.above, below.slot = true, uint16(n), uint16(slot)
	return true
}
