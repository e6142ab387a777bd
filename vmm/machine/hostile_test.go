package machine

import (
	"encoding/binary"
	"testing"

	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/vmm/hostmem"
	"barreleye/vmm/image"
	"barreleye/vmm/kvm"
	"barreleye/vmm/life"

	gokvm "github.com/bobuhiro11/gokvm/kvm"
)

// hostileRAM is memory of a guest that writes its own page tables.
func hostileRAM(t testing.TB) *Machine {
	m := &Machine{tables: &pageTables{}, text: &Text{Image: &image.Image{}}}
	for _, mem := range []**hostmem.Memory{&m.ram, &m.text.mem} {
		var err error
		if *mem, err = hostmem.Allocate(layout.HugeSize); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { (*mem).Free() })
	}
	m.tables.ram = m.ram.Bytes
	return m
}

// tableAt has the page tables lead through the entries on the way to va, as far as they
// stay in memory. It returns how to put things right.
func (m *Machine) tableAt(va uint64, entries [4]uint64) (undo func()) {
	var changed []uint64
	at := va >> 39 & 511 * 8
	for i, e := range entries {
		binary.LittleEndian.PutUint64(m.ram.Bytes[at:], e)
		changed = append(changed, at)
		if i == 3 {
			break
		}
		at = e&pteAddress - layout.RAMGPA + va>>(12+9*(2-i))&511*8
		if size := uint64(len(m.ram.Bytes)); at > size-8 {
			break
		}
	}
	return func() {
		for _, at := range changed {
			clear(m.ram.Bytes[at : at+8])
		}
	}
}

// FuzzTranslate: whatever a guest's page tables hold, the VMM reads nothing but its
// memory to follow them.
func FuzzTranslate(f *testing.F) {
	const next = layout.RAMGPA + layout.PageSize
	f.Add(uint64(layout.ImageVA), uint64(next|1), uint64(next+layout.PageSize|1), uint64(next+2*layout.PageSize|1), uint64(layout.RAMGPA|1))
	f.Add(uint64(511<<30), uint64(layout.RAMGPA-layout.PageSize|1), uint64(0), uint64(0), uint64(0)) // the word before memory
	f.Add(^uint64(0), uint64(layout.RAMGPA|1), uint64(layout.RAMGPA|0x81), uint64(0), uint64(0))
	m := hostileRAM(f)
	f.Fuzz(func(t *testing.T, va, a, b, c, d uint64) {
		defer m.tableAt(va, [4]uint64{a, b, c, d})()
		if gpa, ok := m.Translate(va); ok && gpa&^(pteAddress|(layout.PageSize-1)) != 0 {
			t.Fatalf("%#x is at %#x", va, gpa)
		}
		if b := m.Peek(va, maxInst); len(b) > maxInst {
			t.Fatalf("%d bytes", len(b))
		}
	})
}

// FuzzExit: an exit may say anything about memory and instructions. A core that has the
// right to what it used goes on, and others end by name.
func FuzzExit(f *testing.F) {
	const core, cores = 1, 12 // so many that what is shared comes when it is first used
	sys, err := kvm.Open(kvm.DevicePath)
	if err != nil {
		f.Skip(err)
	}
	defer sys.Close()
	g := region.Geometry{Cores: cores, RingLines: 64, PoolPages: 16}
	shared, err := hostmem.AllocateShared("fuzz", g.Size())
	if err != nil {
		f.Fatal(err)
	}
	defer shared.Free()
	m := hostileRAM(f)
	lent := region.Span{Pages: 2, Access: region.ReadWrite} // of what cores 2 and 3 share
	for both := false; !both; lent.First++ {
		_, second := g.Pair(lent.First+1, 2)
		_, third := g.Pair(lent.First+1, 3)
		both = second && third
	}
	m.cfg = Config{Core: core, Cores: cores, Geometry: g, Lent: func(page int) (region.Span, bool) {
		return lent, page >= lent.First && page < lent.End()
	}}
	if err := m.createVM(sys, shared); err != nil {
		f.Fatal(err)
	}
	defer m.vm.Close()
	for _, e := range []struct {
		reason, address, data uint64
		length                uint8
		write                 bool
	}{
		{uint64(gokvm.EXITMMIO), layout.PowerGPA, 3, 8, true},
		{uint64(gokvm.EXITMMIO), layout.RegionGPA, 0, 8, false},
		{uint64(gokvm.EXITMMIO), layout.RegionGPA + uint64(lent.First)*layout.PageSize, 7, 8, true},
		{uint64(gokvm.EXITMMIO), layout.RegionGPA + g.Size() - 1, 7, 8, true},
		{uint64(gokvm.EXITMMIO), layout.RegionGPA - 1, 7, 4, false},
		{uint64(gokvm.EXITMMIO), ^uint64(0), 7, 255, true},
		{uint64(gokvm.EXITINTERNALERROR), 1, 0, 0, false},
		{uint64(gokvm.EXITIO), 0, 0, 0, false},
		{1000, 0, 0, 0, false},
	} {
		f.Add(e.reason, e.address, e.data, e.length, e.write)
	}
	f.Fuzz(func(t *testing.T, reason, address, data uint64, length uint8, write bool) {
		end, over := m.serve(kvm.Exit{Reason: gokvm.ExitType(reason), Address: address, Data: data, Length: uint32(length), Write: write, SubError: uint32(address)})
		at := address - layout.RegionGPA
		mine := false
		if at < g.Size() {
			_, may := g.Find(core, at)
			mine = may == region.ReadWrite || m.isLent(at)
		}
		switch {
		case gokvm.ExitType(reason) != gokvm.EXITMMIO:
		case mine == over:
			t.Fatalf("%#x, which the core may use: %v, ended %v", address, mine, over)
		case over && at < g.Size() && end.Kind != life.Foreign, over && at >= g.Size() && end.Kind == life.Foreign:
			t.Fatalf("%#x: %v", address, end)
		}
	})
}

func (m *Machine) isLent(at uint64) bool {
	_, ok := m.cfg.Lent(int(at / layout.PageSize))
	return ok
}
