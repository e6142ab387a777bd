package machine

import (
	"encoding/binary"

	"barreleye/devices/layout"
	"barreleye/vmm/kvm"
	"barreleye/vmm/postmortem"
)

// view is where a core stands, as its debugger shows it.
type view struct {
	regs kvm.Regs
	// frame is the address of the frame by which the shown code goes on; 0 where
	// that is the vCPU's own state.
	frame uint64
	// ax is where RAX is kept meanwhile, 0 for the register itself.
	ax              uint64
	flagsAt         uint64 // address of the flags that count when CPL3 goes on, 0: the vCPU's
	atCPL3          bool   // what is shown
	rip, rsp, flags uint64 // what is shown, but for flags, which are those of flagsAt
}

// look finds out where the core stands: in a stub of the debugger's, it shows what the
// exception interrupted; halted, the driver's call that halted it; else the vCPU's
// registers. mu is held.
func (d *Debugger) look() (v view, err error) {
	m := d.m
	if v.regs, err = m.vcpu.Regs(); err != nil {
		return v, err
	}
	s, err := m.vcpu.Sregs()
	if err != nil {
		return v, err
	}
	v.rip, v.rsp, v.flags, v.atCPL3 = v.regs.RIP, v.regs.RSP, v.regs.RFLAGS, s.CS.Selector&3 == 3
	switch {
	case v.atCPL3:
		return v, nil
	case v.rip-layout.DebugVA < layout.PageSize:
		v.frame = debugFrame
	case m.halted(v.rip):
		v.ax, v.frame = v.rsp, v.rsp+8 // ·haltVector's contract
	case v.rsp > layout.TrapVA && v.rsp <= layout.TrapStackTop:
		v.flagsAt = layout.TrapStackTop - frameSize + frameRFLAGS
	default:
		v.flagsAt = layout.IRQStackTop - frameSize + frameRFLAGS
	}
	if v.frame != 0 {
		v.rip, v.rsp, v.flagsAt = m.word(v.frame), m.word(v.frame+frameRSP), v.frame+frameRFLAGS
		v.atCPL3 = m.word(v.frame+frameCS)&3 == 3 && v.frame == debugFrame
	}
	v.flags = m.word(v.flagsAt)
	return v, nil
}

// setFlags writes the flags that look found.
func (d *Debugger) setFlags(v view, flags uint64) error {
	if v.flagsAt != 0 {
		d.m.setWord(v.flagsAt, flags)
		return nil
	}
	v.regs.RFLAGS = flags
	return d.m.vcpu.SetRegs(v.regs)
}

// halted reports whether the instruction at RIP, or the one before, is the driver's HLT, or
// it is the STI in front.
func (m *Machine) halted(rip uint64) bool {
	const sti, hlt = 0xfb, 0xf4
	b := m.Peek(rip-1, 3)
	return len(b) == 3 && (b[0] == hlt || b[1] == hlt || b[1] == sti && b[2] == hlt) && inCPL0(&m.text.Image.Table, rip)
}

// Registers reads the registers, with the XSAVE area.
func (d *Debugger) Registers() (t postmortem.Thread, err error) {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	if !d.m.halt.shown {
		return t, ErrRuns
	}
	v, err := d.look()
	if err != nil {
		return t, err
	}
	t = d.m.capture()
	if v.frame != 0 {
		t.Regs.RIP, t.Regs.RSP, t.Regs.RFLAGS = v.rip, v.rsp, v.flags
		t.Regs.CS, t.Regs.SS = d.m.word(v.frame+frameCS), d.m.word(v.frame+frameSS)
	}
	if v.ax != 0 {
		t.Regs.RAX = d.m.word(v.ax)
	}
	return t, nil
}

// writableFlags are those that a debugger may set: the status flags, DF, AC and ID.
const writableFlags = 0xcd5 | 1<<18 | 1<<21

// SetRegisters writes the general registers, RIP, RSP, flags, and the XSAVE area where
// there is one.
func (d *Debugger) SetRegisters(t postmortem.Thread) error {
	m := d.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.halt.shown {
		return ErrRuns
	}
	v, err := d.look()
	if err != nil {
		return err
	}
	r, g := &v.regs, &t.Regs
	r.RBX, r.RCX, r.RDX, r.RSI, r.RDI, r.RBP = g.RBX, g.RCX, g.RDX, g.RSI, g.RDI, g.RBP
	r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15 = g.R8, g.R9, g.R10, g.R11, g.R12, g.R13, g.R14, g.R15
	if v.ax != 0 {
		m.setWord(v.ax, g.RAX)
	} else {
		r.RAX = g.RAX
	}
	if v.frame != 0 {
		m.setWord(v.frame, g.RIP)
		m.setWord(v.frame+frameRSP, g.RSP)
		m.setWord(v.flagsAt, v.flags&^writableFlags|g.RFLAGS&writableFlags)
	} else {
		r.RIP, r.RSP, r.RFLAGS = g.RIP, g.RSP, r.RFLAGS&^writableFlags|g.RFLAGS&writableFlags
	}
	if err := m.vcpu.SetRegs(*r); err != nil || len(t.Vector) < vectorArea {
		return err
	}
	return m.vcpu.SetXsave(t.Vector)
}

// ReadMemory reads the core's memory at a virtual address, without the breakpoints in
// it, and returns how many bytes there are.
func (d *Debugger) ReadMemory(b []byte, va uint64) (n int) {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	if !d.m.halt.shown {
		return 0
	}
	for n < len(b) {
		gpa, ok := d.m.Translate(va + uint64(n))
		if !ok {
			break
		}
		from := d.memory(gpa)
		if from == nil && gpa-layout.RegionGPA < uint64(len(d.shared.Bytes)) {
			from = d.shared.Bytes[gpa-layout.RegionGPA:]
		}
		if len(from) == 0 {
			break
		}
		n += copy(b[n:], from[:min(len(from), int(layout.PageSize-gpa%layout.PageSize))])
	}
	for at, old := range d.breakpoints {
		if at-va < uint64(n) {
			b[at-va] = old
		}
	}
	return n
}

// WriteMemory writes private memory and the core's copy of the text, all of b or nothing.
func (d *Debugger) WriteMemory(b []byte, va uint64) error {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	if !d.m.halt.shown {
		return ErrRuns
	}
	to := make([]*byte, len(b))
	for i := range b {
		gpa, ok := d.m.Translate(va + uint64(i))
		if !ok {
			return ErrAddress
		}
		memory := d.memory(gpa)
		if len(memory) == 0 {
			return ErrAddress
		}
		to[i] = &memory[0]
	}
	for i, v := range b {
		if at := va + uint64(i); d.isSet(at) {
			d.breakpoints[at] = v
		} else {
			*to[i] = v
		}
	}
	return nil
}

// memory returns private memory and text from a guest-physical address on.
func (d *Debugger) memory(gpa uint64) []byte {
	switch {
	case d.m.ram.Has(gpa - layout.RAMGPA):
		return d.m.ram.Bytes[gpa-layout.RAMGPA:]
	case gpa-layout.ImageGPA < uint64(len(d.text.Bytes)):
		return d.text.Bytes[gpa-layout.ImageGPA:]
	}
	return nil
}

// private returns the private memory from a virtual address to the end of its page.
func (m *Machine) private(va uint64) []byte {
	gpa, ok := m.Translate(va)
	if at := gpa - layout.RAMGPA; ok && m.ram.Has(at) {
		return m.ram.Bytes[at:][:layout.PageSize-at%layout.PageSize]
	}
	return nil
}

// word reads eight bytes of private memory, which has to be there; setWord writes them.
func (m *Machine) word(va uint64) uint64 {
	if b := m.private(va); len(b) >= 8 {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (m *Machine) setWord(va, v uint64) {
	if b := m.private(va); len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, v)
	}
}
