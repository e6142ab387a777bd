package machine

import (
	"encoding/binary"

	"barreleye/devices/layout"
	"barreleye/vmm/kvm"

	"golang.org/x/arch/x86/x86asm"
)

// debugVectors are the exceptions that a debugger takes: #DB and #BP.
var debugVectors = [...]int{1, 3}

// debugStub is the handler of each of them, at CPL0 on IST2, one behind the other in
// the page at layout.DebugVA: "out 0x80, al" leaves for the VMM with every register as
// the interrupted code has it, whose frame lies on the stack; then IRETQ goes on with
// that frame. Nothing of the driver's is touched, so it is entered from anywhere.
var debugStub = [...]byte{0xe6, 0x80, 0x48, 0xcf}

const (
	debugStride = 16
	debugOut    = 2 // bytes of OUT
	debugFrame  = layout.DebugStackTop - frameSize

	// the frame that the CPU pushes: RIP CS RFLAGS RSP SS
	frameSize   = 5 * 8
	frameCS     = 1 * 8
	frameRFLAGS = 2 * 8
	frameRSP    = 3 * 8
	frameSS     = 4 * 8

	flagTF = 1 << 8
)

// quietSteps is how many steps in a row are made with interrupts held back, so that a
// step through the program is not one into its tick; the next one lets them in, for
// who steps for long needs ticks too.
const quietSteps = 63

// trapped is called at an exit by port I/O, which no text but the debugger's stubs can
// make: what is to be done of it is done when it returns, and the core then stands if
// that was to be seen (rest). It is false for any other exit of the kind.
func (m *Machine) trapped() bool {
	if m.vcpu.Complete() != nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	regs, err := m.vcpu.Regs()
	stub := (regs.RIP - layout.DebugVA) / debugStride
	if err != nil || stub >= uint64(len(debugVectors)) {
		return false
	}
	trap, seen := m.judge(&regs, debugVectors[stub])
	if seen {
		m.halt.held = true
		m.debugger.stopped(trap)
	}
	return true
}

// judge decides on an exception that a stub has taken, and puts the frame right. seen
// says that the debugger is to see it. Without one, it was about to go: an exception
// under way at that time ends here too.
func (m *Machine) judge(regs *kvm.Regs, vector int) (trap Trap, seen bool) {
	d := m.debugger
	rip, flags := m.word(debugFrame), m.word(debugFrame+frameRFLAGS)
	if vector == 3 {
		at := rip - 1
		if d != nil && d.isSet(at) {
			m.setWord(debugFrame, at)
			d.endStep(debugFrame)
			return TrapBreakpoint, true
		}
		if own := m.Peek(at, 1); len(own) == 1 && own[0] != int3 {
			m.setWord(debugFrame, at) // one that is not set any more
			return 0, false
		}
		if d == nil {
			return 0, false
		}
		d.endStep(debugFrame)
		return TrapOwn, true
	}
	if d == nil || !d.stepping {
		m.setWord(debugFrame+frameRFLAGS, flags&^flagTF) // of a step that was given up
		return 0, false
	}
	m.setWord(debugFrame+frameRFLAGS, d.unmask(flags))
	table := &m.text.Image.Table
	switch {
	case d.inDriver || m.word(debugFrame+frameCS)&3 == 0:
	case rip >= layout.StubVA && rip < layout.StubVA+layout.StubMax:
		return 0, false // on the way into the driver
	case inDriverCode(table, rip, m.word(debugFrame+frameRSP)):
		m.forward(regs)
		return 0, false
	}
	d.endStep(debugFrame)
	return TrapStep, true
}

// inDriverCode tells from RIP and RSP whether the driver runs.
func inDriverCode(table *[layout.TableWords]uint64, rip, rsp uint64) bool {
	return rsp >= layout.DriverLow && rsp < layout.PanicVA+layout.PanicSize ||
		rip >= table[layout.TableCritical] && rip < table[layout.TableCriticalEnd]
}

// forward hands a #DB to the driver's own handler, as the CPU would have: the step has
// come into the driver by a system call or an interrupt, and the driver then takes TF
// away and sets it again when the program goes on (guest/cpudriver/flags.go).
func (m *Machine) forward(regs *kvm.Regs) {
	const to = layout.TrapStackTop - frameSize
	for i := uint64(0); i < frameSize; i += 8 {
		m.setWord(to+i, m.word(debugFrame+i))
	}
	r := *regs
	r.RSP, r.RIP = to, m.text.Image.Table[layout.TableVectors]+1*layout.VectorStride
	_ = m.vcpu.SetRegs(r) // as they were read, but for those two
}

// isSet reports whether a breakpoint is at an address.
func (d *Debugger) isSet(va uint64) bool {
	_, set := d.breakpoints[va]
	return set
}

// endStep takes the marks of a step off the flags in a frame.
func (d *Debugger) endStep(frame uint64) {
	if d.stepping {
		flags := d.m.word(frame + frameRFLAGS)
		d.m.setWord(frame+frameRFLAGS, d.unmask(flags)&^flagTF)
	}
	d.stepping = false
}

// unmask returns the flags with IF as it was before a step.
func (d *Debugger) unmask(flags uint64) uint64 {
	if d.masked {
		flags |= rflagsIF
	}
	return flags
}

// arm has the core stop behind one instruction. Where it stands at CPL0, that is one
// of where it returns to.
func (d *Debugger) arm() error {
	v, err := d.look()
	if err != nil {
		return err
	}
	d.stepping = true
	d.inDriver = !v.atCPL3 || inDriverCode(&d.m.text.Image.Table, v.rip, v.rsp)
	set := v.flags | flagTF
	d.steps++
	if d.masked = v.atCPL3 && set&rflagsIF != 0 && d.steps%(quietSteps+1) != 0; d.masked {
		set &^= rflagsIF
	}
	return d.setFlags(v, set)
}

// disarm ends a step that has not been made. Flags that the driver keeps meanwhile
// stay: the #DB that they lead to is nobody's (judge).
func (d *Debugger) disarm() {
	if v, err := d.look(); err == nil && d.stepping {
		_ = d.setFlags(v, d.unmask(v.flags)&^flagTF) // as they were read
	}
	d.stepping = false
}

// recall takes a core back to a breakpoint whose exception was not delivered yet when it
// was kicked out: KVM may forget that when registers are set, and would go on in the
// middle of the instruction. One of a single byte cannot be told from having been
// executed; there only a core that is then stepped, or has registers set, may go past
// the breakpoint.
func (d *Debugger) recall() {
	v, err := d.look()
	if err != nil || v.frame != 0 || !v.atCPL3 || !d.isSet(v.rip-1) {
		return
	}
	if inst, err := x86asm.Decode(d.m.Peek(v.rip-1, maxInst), 64); err == nil && inst.Len > 1 {
		if d.m.vcpu.ForgetTraps() == nil {
			v.regs.RIP--
			_ = d.m.vcpu.SetRegs(v.regs) // as they were read, but for that
		}
	}
}

// forgetSteps clears TF where the driver keeps it for threads that were to be stepped:
// with the debugger gone, it would be the program's.
func (d *Debugger) forgetSteps() {
	t := d.record.Threads
	for i := range min(t.Count, maxThreads) {
		at := t.First + i*t.Stride + t.Registers + registerRFLAGS*8
		if b := d.m.private(at); t.First != 0 && len(b) >= 8 {
			flags := binary.LittleEndian.Uint64(b)
			binary.LittleEndian.PutUint64(b, flags&^flagTF)
		}
	}
}

// registerRFLAGS is which of region.Threads.Registers has the flags.
const registerRFLAGS = 17
