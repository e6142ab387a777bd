package machine

import "barreleye/vmm/kvm"

// leaveCPL0 takes a core that a debugger is to have out of the driver's CPL0 text, one
// instruction at a time: there it can have no breakpoint, and whoever unwinds its stack
// finds no caller. The text is short and waits for nothing but in its halt, where a
// debugger shows who halted. A core that does not come out of it all the same stands where
// it is. Interrupts wait meanwhile, or each way out would lead back in. The core's thread
// calls it, with mu held.
func (m *Machine) leaveCPL0() {
	const most = 100 // steps; the longest way has a third of that
	masked := false  // the flags lack IF
	m.vcpu.Unkick()
	for range most {
		r, s, inside := m.atCPL0()
		if !inside {
			break
		}
		if m.isReturn(r.RIP) {
			if m.returnFrom(r, s) != nil {
				break
			}
			masked = false
			continue
		}
		if r.RFLAGS&rflagsIF != 0 {
			r.RFLAGS &^= rflagsIF
			if m.vcpu.SetRegs(r) != nil {
				break
			}
			masked = true
		}
		if _, err := m.vcpu.Step(); err != nil {
			break
		}
	}
	if r, err := m.vcpu.Regs(); err == nil && masked {
		r.RFLAGS |= rflagsIF
		_ = m.vcpu.SetRegs(r) // as they were read, but for that
	}
}

// atCPL0 returns the registers, and whether the core is in that text and not in its halt.
func (m *Machine) atCPL0() (r kvm.Regs, s kvm.Sregs, inside bool) {
	s, e1 := m.vcpu.Sregs()
	r, e2 := m.vcpu.Regs()
	return r, s, e1 == nil && e2 == nil && s.CS.Selector&3 == 0 && inCPL0(&m.text.Image.Table, r.RIP) && !m.halted(r.RIP)
}

// isReturn reports whether an instruction is IRETQ.
func (m *Machine) isReturn(rip uint64) bool {
	b := m.Peek(rip, 2)
	return len(b) == 2 && b[0] == 0x48 && b[1] == 0xcf
}

// returnFrom does what the IRETQ would at which the core is: on PVM a step with it goes
// on at CPL3 to wherever that comes back from.
func (m *Machine) returnFrom(r kvm.Regs, s kvm.Sregs) error {
	frame := r.RSP
	if m.word(frame+frameCS)&3 == 3 {
		s.CS, s.SS = userCode, userData
		if err := m.vcpu.SetSregs(s); err != nil {
			return err
		}
	}
	r.RIP, r.RSP, r.RFLAGS = m.word(frame), m.word(frame+frameRSP), m.word(frame+frameRFLAGS)
	return m.vcpu.SetRegs(r)
}
