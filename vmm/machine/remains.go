package machine

import (
	"encoding/binary"

	"barreleye/devices/boot"
	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/vmm/hostmem"
	"barreleye/vmm/kvm"
	"barreleye/vmm/postmortem"
)

// Remains is what is left of a machine that does not run: it stays usable when
// the VM is closed, until its memory is freed.
type Remains struct {
	m      *Machine
	cpu    postmortem.Thread // the vCPU's own registers
	table  region.Threads    // as the driver left it
	shared *hostmem.Memory   // the shared region
	backed []bool            // its pages that the host backs, nil before anybody asked
}

// capture reads the vCPU's registers. It must not be in KVM_RUN.
func (m *Machine) capture() (t postmortem.Thread) {
	if r, err := m.vcpu.Regs(); err == nil {
		t.Regs = fromKVM(r)
	}
	if s, err := m.vcpu.Sregs(); err == nil {
		if s.CR0&cr0PE == 0 { // which no guest can have cleared: it runs at CPL3
			return postmortem.Thread{What: postmortem.Reset}
		}
		t.Regs.FSBase, t.Regs.GSBase = s.FS.Base, s.GS.Base
		t.Regs.CS, t.Regs.SS = uint64(s.CS.Selector), uint64(s.SS.Selector)
	}
	if x, err := m.vcpu.Xsave(); err == nil {
		t.Vector = x
	}
	if t.What = where(t.Regs.RSP); t.Regs.CS&3 == 0 {
		t.What = atCPL0
	}
	return t
}

// standing is capture of a vCPU that was asked to stand: where it is in a stub at CPL0,
// of an interrupt, a halt or a debugger's, it counts as where it came from, for which the hardware
// keeps a frame on the stub's stack.
func (m *Machine) standing() postmortem.Thread {
	t := m.capture()
	if t.What != atCPL0 {
		return t
	}
	for _, top := range []uint64{layout.IRQStackTop, layout.TrapStackTop, layout.DebugStackTop} {
		var f [6]uint64 // RAX where a stub pushed it, RIP CS RFLAGS RSP SS
		b := m.Peek(top-8*uint64(len(f)), 8*len(f))
		if top-t.Regs.RSP > layout.PageSize/2 || len(b) < 8*len(f) {
			continue
		}
		for i := range f {
			f[i] = binary.LittleEndian.Uint64(b[i*8:])
		}
		if f[2]&3 != 3 {
			continue
		}
		if top == layout.IRQStackTop && top-t.Regs.RSP >= uint64(len(b)) {
			t.Regs.RAX = f[0]
		}
		t.Regs.RIP, t.Regs.CS, t.Regs.RFLAGS, t.Regs.RSP, t.Regs.SS = f[1], f[2], f[3], f[4], f[5]
		t.What = where(t.Regs.RSP)
		return t
	}
	return t
}

// where says what a vCPU at CPL3 runs, by its stack.
func where(rsp uint64) string {
	if rsp >= layout.DriverLow && rsp < layout.PanicVA+layout.PanicSize {
		return inDriver
	}
	return inProgram
}

func fromKVM(r kvm.Regs) postmortem.Registers {
	return postmortem.Registers{
		RAX: r.RAX, RBX: r.RBX, RCX: r.RCX, RDX: r.RDX, RSI: r.RSI, RDI: r.RDI, RBP: r.RBP,
		R8: r.R8, R9: r.R9, R10: r.R10, R11: r.R11, R12: r.R12, R13: r.R13, R14: r.R14, R15: r.R15,
		RIP: r.RIP, RFLAGS: r.RFLAGS, RSP: r.RSP,
	}
}

// Remains returns what is left of the machine, which does not run any more.
// shared is the shared region, record what the driver left there. faulted
// says that it left it for a fault: then that is where the core ended, not where
// the driver told so.
func (m *Machine) Remains(record *region.Crash, faulted bool, shared *hostmem.Memory) *Remains {
	r := &Remains{m: m, cpu: m.last, table: record.Threads, shared: shared}
	if faulted {
		r.cpu = postmortem.Thread{Regs: FaultRegisters(record), What: inProgram} // vector registers have changed
		if record.InDriver != 0 {
			r.cpu.What = inDriver
		}
	}
	return r
}

// FaultRegisters returns the registers that the driver recorded of a fault.
func FaultRegisters(k *region.Crash) postmortem.Registers {
	g := &k.Regs
	return postmortem.FromWords([region.ThreadRegisters]uint64{g[0], g[1], g[2], g[3], g[4], g[5], g[6], g[7], g[8], g[9], g[10],
		g[11], g[12], g[13], g[14], k.RIP, layout.UserCS, k.RFLAGS, k.RSP, layout.UserSS})
}

// What a vCPU did, as postmortem.Thread.What says.
const (
	inProgram = "in the program"
	inDriver  = "in the CPU driver"
	atCPL0    = "at CPL0"
	// of the current thread, where the vCPU's registers are lost
	wasCurrent = "ran last, registers as of its last switch"
)

// maxThreads bounds what a table that may say anything leads to.
const maxThreads = 1024

// Threads is postmortem.Remains.Threads: the vCPU itself, without a thread's
// number, then the program's threads. Where the vCPU ran the program its registers are the current
// thread's.
func (r *Remains) Threads() []postmortem.Thread {
	list := []postmortem.Thread{r.cpu}
	current, _ := postmortem.Word(r, r.table.Current)
	for i := range min(r.table.Count, maxThreads) {
		at := r.table.First + i*r.table.Stride
		word := func(offset uint64) uint64 { v, _ := postmortem.Word(r, at+offset); return v }
		if r.table.First == 0 || word(r.table.State) == 0 {
			continue
		}
		if at == current && r.cpu.What == inProgram {
			list[0].TID, list[0].What = int(word(r.table.TID)), "running"
			continue
		}
		list = append(list, r.thread(word, at == current))
	}
	return list
}

// vectorArea is the size of an XSAVE area with all components that the driver saves.
const vectorArea = 2688

// thread reads the record of a thread.
func (r *Remains) thread(word func(uint64) uint64, current bool) postmortem.Thread {
	var w [region.ThreadRegisters]uint64
	for i := range w {
		w[i] = word(r.table.Registers + uint64(i)*8)
	}
	t := postmortem.Thread{TID: int(uint32(word(r.table.TID))), Regs: postmortem.FromWords(w)}
	t.Regs.FSBase = word(r.table.Base)
	t.Regs.CS, t.Regs.SS = layout.UserCS, layout.UserSS
	t.What = postmortem.Blocked(word(r.table.Call))
	if current && r.cpu.What == postmortem.Reset {
		t.What = wasCurrent
	} else if current {
		t.What = postmortem.Served
	} else if t.What == "" || word(r.table.State) == 1 {
		t.What = "ready to run"
	}
	area := make([]byte, vectorArea)
	if r.ReadAt(area, word(r.table.Vector)) == len(area) {
		t.Vector = area
	}
	return t
}

// Ranges is postmortem.Remains.Ranges: what the page tables map, as they stand.
func (r *Remains) Ranges() (list []postmortem.Range) {
	r.walk(r.m.tables.pool, 4, 0, &list)
	return list
}

// maxRanges bounds what page tables that may say anything lead to.
const maxRanges = 1 << 16

// walk appends what the table at an offset of RAM maps, adjoining pages of one
// kind as one range.
func (r *Remains) walk(table uint64, level uint, base uint64, list *[]postmortem.Range) {
	ram := r.m.ram.Bytes
	for i := uint64(0); i < 512 && len(*list) < maxRanges; i++ {
		at := table + i*8
		if at+8 > uint64(len(ram)) {
			return
		}
		v := binary.LittleEndian.Uint64(ram[at:])
		if v&ptePresent == 0 {
			continue
		}
		va := base + i<<(12+9*(level-1))
		if level == 4 && va>>47 != 0 {
			return // the upper half, which nobody maps
		}
		if level > 1 && v&pteHuge == 0 {
			if next := v & pteAddress; next >= layout.RAMGPA && level > 1 && next != table+layout.RAMGPA {
				r.walk(next-layout.RAMGPA, level-1, va, list)
			}
			continue
		}
		size := uint64(1) << (12 + 9*(level-1))
		kind := r.kind(v & pteAddress)
		if kind == "" {
			continue
		}
		prot := uint8(boot.Read)
		if v&pteWrite != 0 {
			prot |= boot.Write
		}
		if v&pteNX == 0 {
			prot |= boot.Exec
		}
		if n := len(*list); n > 0 {
			if last := &(*list)[n-1]; last.End == va && last.Kind == kind && last.Prot == prot {
				last.End += size
				continue
			}
		}
		*list = append(*list, postmortem.Range{Start: va, End: va + size, Prot: prot, Kind: kind})
	}
}

// Kinds of memory (postmortem.Range.Kind).
const (
	kindRAM    = "ram"
	kindText   = "text"
	kindRegion = "region"
)

// kind names the memory that a guest-physical address lies in, "" for none that
// can be read.
func (r *Remains) kind(gpa uint64) string {
	switch {
	case r.m.ram.Has(gpa - layout.RAMGPA):
		return kindRAM
	case gpa-layout.ImageGPA < uint64(len(r.m.text.mem.Bytes)):
		return kindText
	case gpa-layout.RegionGPA < uint64(len(r.shared.Bytes)):
		return kindRegion
	}
	return ""
}

// ReadAt is postmortem.Remains.ReadAt.
func (r *Remains) ReadAt(b []byte, va uint64) (n int) {
	for n < len(b) {
		gpa, ok := r.m.Translate(va + uint64(n))
		if !ok {
			return n
		}
		var from []byte
		switch r.kind(gpa) {
		case kindRAM:
			from = r.m.ram.Bytes[gpa-layout.RAMGPA:]
		case kindText:
			from = r.m.text.mem.Bytes[gpa-layout.ImageGPA:]
		case kindRegion:
			from = r.shared.Bytes[gpa-layout.RegionGPA:]
		default:
			return n
		}
		page := int(layout.PageSize - gpa%layout.PageSize)
		n += copy(b[n:], from[:min(len(from), page)])
	}
	return n
}

// Backed is postmortem.Remains.Backed. Private RAM that is mapped was touched.
func (r *Remains) Backed(va uint64) bool {
	gpa, ok := r.m.Translate(va)
	if !ok || r.kind(gpa) != kindRegion {
		return ok
	}
	if r.backed == nil {
		r.backed = r.shared.Backed()
	}
	page := (gpa - layout.RegionGPA) / layout.PageSize
	return page < uint64(len(r.backed)) && r.backed[page]
}
