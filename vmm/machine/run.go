package machine

import (
	"fmt"
	"strings"

	"barreleye/devices/layout"
	"barreleye/devices/power"
	"barreleye/vmm/kvm"

	gokvm "github.com/bobuhiro11/gokvm/kvm"
	"golang.org/x/arch/x86/x86asm"
)

// EndKind is how a core's life ended.
type EndKind int

// Ends of a core.
const (
	EndExit     EndKind = iota // the program exited; the core's block holds its code
	EndCrash                   // the driver reported a fault; the core's block holds the record
	EndTriple                  // triple fault
	EndInternal                // KVM could not emulate an instruction
	EndEntry                   // KVM could not enter the guest
	EndMMIO                    // an access to physical memory that is not there
	EndUnknown                 // an exit this VMM does not know
	EndStopped                 // the VMM stopped it
)

// String names the end.
func (k EndKind) String() string {
	return [...]string{"exit", "crash", "triple fault", "KVM internal error", "failed entry", "access to missing memory", "unknown exit", "stopped"}[k]
}

// End is how a core's life ended, with the registers at that moment.
type End struct {
	Kind   EndKind
	Detail string // one line about it, without the core and the location
	Regs   kvm.Regs
	CR2    uint64
}

// Run lets the core run until its life ends. It may be called once.
func (m *Machine) Run() (End, error) {
	leave, err := m.enterThread()
	if err != nil {
		return End{}, err
	}
	defer leave()
	for {
		exit, interrupted, err := m.vcpu.Run()
		if err != nil {
			return End{}, fmt.Errorf("core %d: %w", m.cfg.Core, err)
		}
		if interrupted {
			m.mu.Lock()
			stopped := m.stopped
			m.mu.Unlock()
			if stopped {
				return m.end(EndStopped, ""), nil
			}
			continue
		}
		m.Exits++
		if end, over := m.serve(exit); over {
			return end, nil
		}
	}
}

// serve handles one exit and reports whether it was the last.
func (m *Machine) serve(e kvm.Exit) (End, bool) {
	switch e.Reason {
	case gokvm.EXITMMIO:
		if e.Write && e.Address == layout.PowerGPA {
			switch power.Command(e.Data) {
			case power.Exit:
				return m.end(EndExit, ""), true
			case power.Crash:
				return m.end(EndCrash, ""), true
			}
			return m.end(EndMMIO, fmt.Sprintf("power device: unknown command %d", e.Data)), true
		}
		verb := "read of"
		if e.Write {
			verb = "write to"
		}
		return m.end(EndMMIO, fmt.Sprintf("%s physical address %#x", verb, e.Address)), true
	case gokvm.EXITSHUTDOWN:
		return m.end(EndTriple, ""), true
	case gokvm.EXITFAILENTRY:
		return m.end(EndEntry, fmt.Sprintf("hardware reason %#x", e.SubError)), true
	case gokvm.EXITINTERNALERROR:
		return m.end(EndInternal, m.internal(e)), true
	case gokvm.EXITINTR:
		return End{}, false
	}
	return m.end(EndUnknown, fmt.Sprintf("KVM exit %d", e.Reason)), true
}

func (m *Machine) end(kind EndKind, detail string) End {
	end := End{Kind: kind, Detail: detail}
	// A vCPU whose registers cannot be read has nothing to report.
	end.Regs, _ = m.vcpu.Regs()
	if s, err := m.vcpu.Sregs(); err == nil {
		end.CR2 = s.CR2
	}
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
