package machine

import (
	"fmt"
	"strings"

	"barreleye/devices/layout"
	"barreleye/devices/power"
	"barreleye/vmm/kvm"
	"barreleye/vmm/life"

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
		if interrupted {
			m.mu.Lock()
			stopped := m.stopped
			m.mu.Unlock()
			if stopped {
				return m.stop(), nil
			}
			continue
		}
		m.Exits++
		if m.cfg.Exited != nil {
			m.cfg.Exited(uint64(exit.Reason))
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
		verb := "read of"
		if e.Write {
			verb = "write to"
		}
		return m.end(life.MMIO, fmt.Sprintf("%s physical address %#x", verb, e.Address)), true
	case gokvm.EXITSHUTDOWN:
		return m.end(life.Triple, ""), true
	case gokvm.EXITFAILENTRY:
		return m.end(life.Entry, fmt.Sprintf("hardware reason %#x", e.SubError)), true
	case gokvm.EXITINTERNALERROR:
		return m.end(life.Internal, m.internal(e)), true
	case gokvm.EXITINTR:
		return life.End{}, false
	}
	return m.end(life.Unknown, fmt.Sprintf("KVM exit %d", e.Reason)), true
}

func (m *Machine) end(kind life.Kind, detail string) life.End {
	end := life.End{Kind: kind, Detail: detail}
	m.last = m.capture()
	end.PC, end.State = m.last.Regs.RIP, m.last.Regs.String()
	return end
}

// internal describes a KVM internal error: what the instruction was.
func (m *Machine) internal(e kvm.Exit) string {
	names := map[uint32]string{1: "emulation failed", 2: "simultaneous exceptions", 3: "exit during event delivery", 4: "unexpected exit"}
	what := names[e.SubError]
	if what == "" {
		what = fmt.Sprintf("suberror %d", e.SubError)
	}
	regs, err := m.vcpu.Regs()
	if err != nil {
		return what
	}
	code := m.Peek(regs.RIP, 15)
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
		case ok && gpa-layout.RAMGPA < uint64(len(m.ram.Bytes)):
			out = append(out, m.ram.Bytes[gpa-layout.RAMGPA])
		case ok && gpa-layout.ImageGPA < uint64(len(m.text.mem.Bytes)):
			out = append(out, m.text.mem.Bytes[gpa-layout.ImageGPA])
		default:
			return out
		}
	}
	return out
}
