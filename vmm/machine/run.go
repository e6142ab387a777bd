package machine

import (
	"fmt"
	"strings"

	"barreleye/devices/growth"
	"barreleye/devices/layout"
	"barreleye/devices/power"
	"barreleye/devices/region"
	"barreleye/vmm/kvm"
	"barreleye/vmm/life"
	"barreleye/vmm/postmortem"

	gokvm "github.com/bobuhiro11/gokvm/kvm"
	"golang.org/x/arch/x86/x86asm"
)

// Run lets the core run until its life ends. It may be called once.
func (m *Machine) Run() (life.End, error) {
	leave, err := m.enterThread()
	if err != nil {
		return life.End{}, err
	}
	defer leave()
	for {
		exit, interrupted, err := m.vcpu.Run()
		if err != nil {
			return life.End{}, fmt.Errorf("core %d: %w", m.cfg.Core, err)
		}
		if !interrupted {
			m.Exits++
			if m.cfg.Exited != nil {
				m.cfg.Exited(uint64(exit.Reason))
			}
		}
		if interrupted || exit.Reason == gokvm.EXITIO && m.trapped() {
			stopped, err := m.rest()
			if err != nil {
				return life.End{}, fmt.Errorf("core %d: %w", m.cfg.Core, err)
			}
			if stopped {
				return m.stop(), nil
			}
			continue
		}
		if end, over := m.serve(exit); over {
			return end, nil
		}
	}
}

// serve handles one exit and reports whether it was the last.
func (m *Machine) serve(e kvm.Exit) (life.End, bool) {
	switch e.Reason {
	case gokvm.EXITMMIO:
		if e.Write && e.Address == layout.PowerGPA {
			switch power.Command(e.Data) {
			case power.Exit:
				return m.end(life.Exited, ""), true
			case power.Crash:
				return m.end(life.Crashed, ""), true
			}
			return m.end(life.MMIO, fmt.Sprintf("power device: unknown command %d", e.Data)), true
		}
		if e.Write && e.Address == layout.GrowthGPA {
			return m.answer(growth.Request(e.Data))
		}
		if m.loans.get(e.Address) {
			m.loans.complete(e)
			return life.End{}, false
		}
		return m.strayed(e), true
	case gokvm.EXITIO: // at CPL0, where nothing of ours uses ports
		verb := "read of"
		if e.Write {
			verb = "write to"
		}
		return m.end(life.Port, fmt.Sprintf("%s port %#x, %d bytes", verb, e.Address, e.Length)), true
	case gokvm.EXITSHUTDOWN:
		return m.end(life.Triple, ""), true
	case gokvm.EXITFAILENTRY:
		return m.end(life.Entry, fmt.Sprintf("hardware reason %#x", e.SubError)), true
	case gokvm.EXITINTERNALERROR:
		return m.stuck(e)
	case gokvm.EXITINTR:
		return life.End{}, false
	}
	return m.end(life.Unknown, fmt.Sprintf("KVM exit %d", e.Reason)), true
}

func (m *Machine) end(kind life.Kind, detail string) life.End {
	end := life.End{Kind: kind, Detail: detail}
	if m.last = m.capture(); kind == life.Stuck {
		m.last = m.standing()
	}
	if m.last.What == postmortem.Reset {
		return end
	}
	end.PC, end.State = m.last.Regs.RIP, m.last.Regs.String()
	return end
}

// strayed ends a core that used memory which it does not have.
func (m *Machine) strayed(e kvm.Exit) life.End {
	verb := "read of"
	if e.Write {
		verb = "write to"
	}
	what, _, foreign := m.foreign(e.Address)
	if !foreign {
		return m.end(life.MMIO, fmt.Sprintf("%s physical address %#x", verb, e.Address))
	}
	end := m.end(life.Foreign, verb+" "+what)
	if e.Write {
		// KVM has the instruction behind it already.
		if pc, ok := m.text.Image.Before(end.PC); ok {
			m.last.Regs.RIP = pc
			end.PC, end.State = pc, m.last.Regs.String()
		}
	}
	return end
}

// stuck is about an instruction that KVM cannot run. Most likely it uses memory that
// the core does not have, for which KVM tries to emulate it. Where it is lent the
// guest goes on, with the same instruction.
func (m *Machine) stuck(e kvm.Exit) (end life.End, over bool) {
	if gpa, ok := m.meant(e); ok {
		if m.loans.get(gpa) {
			return end, false
		}
		if what, may, foreign := m.foreign(gpa); foreign && may != region.ReadWrite {
			verb := "access to "
			if may == region.Read {
				verb = "write to "
			}
			return m.end(life.Foreign, verb+what), true
		}
	}
	return m.end(life.Internal, m.internal(e)), true
}

// meant returns the guest-physical address that an instruction means which KVM cannot
// emulate.
func (m *Machine) meant(e kvm.Exit) (gpa uint64, ok bool) {
	regs, err := m.vcpu.Regs()
	if e.SubError != emulationFailed || err != nil {
		return 0, false
	}
	va, ok := operand(m.Peek(regs.RIP, maxInst), &regs)
	if !ok {
		return 0, false
	}
	return m.Translate(va)
}

const (
	emulationFailed = 1  // KVM_INTERNAL_ERROR_EMULATION
	maxInst         = 15 // bytes of the longest instruction
)

// internal describes a KVM internal error: what the instruction was.
func (m *Machine) internal(e kvm.Exit) string {
	names := map[uint32]string{emulationFailed: "emulation failed", 2: "simultaneous exceptions", 3: "exit during event delivery", 4: "unexpected exit"}
	what := names[e.SubError]
	if what == "" {
		what = fmt.Sprintf("suberror %d", e.SubError)
	}
	regs, err := m.vcpu.Regs()
	if err != nil {
		return what
	}
	code := m.Peek(regs.RIP, maxInst)
	if len(code) == 0 {
		return what + ", RIP is not mapped"
	}
	if inst, err := x86asm.Decode(code, 64); err == nil {
		return what + " at " + strings.ToLower(x86asm.IntelSyntax(inst, regs.RIP, nil))
	}
	return fmt.Sprintf("%s at bytes % x", what, code)
}

// Peek reads up to n bytes of the guest's memory at a virtual address, less
// where it is not mapped private RAM or image text.
func (m *Machine) Peek(va uint64, n int) (out []byte) {
	for ; len(out) < n; va++ {
		gpa, ok := m.Translate(va)
		switch {
		case ok && m.ram.Has(gpa-layout.RAMGPA):
			out = append(out, m.ram.Bytes[gpa-layout.RAMGPA])
		case ok && gpa-layout.ImageGPA < uint64(len(m.text.mem.Bytes)):
			out = append(out, m.text.mem.Bytes[gpa-layout.ImageGPA])
		default:
			return out
		}
	}
	return out
}
