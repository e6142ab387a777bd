package machine

import (
	"encoding/binary"
	"sync/atomic"

	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/vmm/hostmem"
	"barreleye/vmm/kvm"
)

// loans are memory slots that the guest gets when it first uses what is there: pages
// of others' pools that this core was lent (urpc/pages, Grant), and in a region of many
// cores what it writes together with each of the others. A run that is not lent any
// more it loses when it next gets another one.
type loans struct {
	m      *Machine
	shared *hostmem.Memory
	mapped []loan
}

type loan struct {
	slot int
	run  region.Span
	kept bool // not lent, but its own
}

// get maps the run that holds a guest-physical address, and reports whether there is
// one.
func (l *loans) get(gpa uint64) bool {
	at := gpa - layout.RegionGPA
	if l.shared == nil || at >= uint64(len(l.shared.Bytes)) {
		return false
	}
	page := int(at / layout.PageSize)
	for _, n := range l.mapped {
		if page >= n.run.First && page < n.run.End() {
			return true // KVM is in the middle of an instruction that found nothing there
		}
	}
	run, own := l.m.cfg.Geometry.Pair(page, l.m.cfg.Core)
	if !own {
		var lent bool
		if run, lent = l.m.cfg.Lent(page); !lent {
			return false
		}
		l.sweep()
	}
	slot := l.m.slots.take()
	if l.set(slot, run.First, run.Pages) != nil {
		l.m.slots.put(slot) // the access counts as a foreign one
		return false
	}
	l.mapped = append(l.mapped, loan{slot, run, own})
	return true
}

// sweep takes back what is not lent any more, or not as it was.
func (l *loans) sweep() {
	kept := l.mapped[:0]
	for _, n := range l.mapped {
		run, lent := l.m.cfg.Lent(n.run.First)
		if n.kept || lent && run == n.run || l.set(n.slot, n.run.First, 0) != nil {
			kept = append(kept, n)
		} else {
			l.m.slots.put(n.slot)
		}
	}
	l.mapped = kept
}

func (l *loans) set(slot, first, pages int) error {
	at := uint64(first) * layout.PageSize
	return l.m.vm.MapMemory(slot, layout.RegionGPA+at, uint64(pages)*layout.PageSize, l.shared.Address()+at, false)
}

// complete does what an instruction wanted of memory that is there now: KVM, which
// found none, has it half done.
func (l *loans) complete(e kvm.Exit) {
	at := e.Address - layout.RegionGPA
	if e.Length > 8 || at+uint64(e.Length) > uint64(len(l.shared.Bytes)) {
		return // KVM asks for no such thing
	}
	var b [8]byte
	switch whole := at%8 == 0 && e.Length == 8; {
	case whole && e.Write:
		atomic.StoreUint64(hostmem.View[uint64](l.shared, at), e.Data)
	case whole:
		l.m.vcpu.Answer(atomic.LoadUint64(hostmem.View[uint64](l.shared, at)))
	case e.Write:
		binary.LittleEndian.PutUint64(b[:], e.Data)
		copy(l.shared.Bytes[at:], b[:e.Length])
	default:
		copy(b[:], l.shared.Bytes[at:][:e.Length])
		l.m.vcpu.Answer(binary.LittleEndian.Uint64(b[:]))
	}
}
