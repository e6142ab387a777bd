package machine

import (
	"errors"
	"fmt"

	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/vmm/hostmem"

	"golang.org/x/sys/unix"
)

// Debugger has a hold of a core: it makes it stand and go on, reads and writes its
// registers and memory, and sets breakpoints. KVM's own support for it does nothing
// for CPL3 on PVM, so it stands on the guest's exceptions: the gates of #DB and #BP
// lead to a few instructions of its own, which leave for the VMM (trap.go), and
// breakpoints are INT3s in a copy of the image's text that is the core's alone.
//
// Its methods may be called at any time but Detach, which comes last. What they change
// or read of the core they do only while it stands.
type Debugger struct {
	m       *Machine
	shared  *hostmem.Memory // the shared region
	record  *region.Crash   // what the driver tells of its threads
	stopped func(Trap)

	// Guarded by m.mu.
	text        *hostmem.Memory // the core's own
	gates       [len(debugVectors)][2]uint64
	breakpoints map[uint64]byte // and what was there
	stepping    bool            // TF is set, or the driver will set it
	inDriver    bool            // the step began in the driver
	masked      bool            // IF was cleared for it
	steps       uint64          // since the core last ran freely
}

// Trap is why a debugged core stands.
type Trap int

// Traps.
const (
	TrapBreakpoint Trap = iota // of Debugger.Insert; RIP is its address
	TrapStep                   // behind one instruction
	TrapOwn                    // by an INT3 of the program's own
)

// Errors of debuggers.
var (
	ErrDebugged = errors.New("it has a debugger already")
	ErrRuns     = errors.New("the core runs")
	ErrNoText   = errors.New("no text of the image there")
	ErrCPL0     = errors.New("the CPU driver's CPL0 text can have no breakpoints")
	ErrAddress  = errors.New("no memory that can be written there")
)

// Debug makes the core stand and returns its debugger. shared and record are the shared
// region and the core's record there; stopped is called by the core's thread when it
// stands for a trap.
func (m *Machine) Debug(shared *hostmem.Memory, record *region.Crash, stopped func(Trap)) (*Debugger, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.debugger != nil {
		return nil, ErrDebugged
	}
	m.halt.held = true
	m.stand()
	if !m.halt.shown {
		return nil, ErrOver
	}
	d := &Debugger{m: m, shared: shared, record: record, stopped: stopped, breakpoints: map[uint64]byte{}}
	if err := d.attach(); err != nil {
		m.release()
		return nil, fmt.Errorf("machine: core %d: debugger: %w", m.cfg.Core, err)
	}
	m.debugger = d
	return d, nil
}

// Held reports whether a debugger has the core stand.
func (m *Machine) Held() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.halt.held
}

// release lets a held core go on; mu is held.
func (m *Machine) release() {
	m.halt.held, m.halt.shown = false, false
	m.halt.changed.Broadcast()
}

// attach prepares the core, which stands.
func (d *Debugger) attach() (err error) {
	m := d.m
	size := uint64(len(m.text.mem.Bytes))
	if d.text, err = hostmem.Allocate(size); err != nil {
		return err
	}
	d.text.Advise(0, size&^(layout.HugeSize-1), unix.MADV_HUGEPAGE)
	copy(d.text.Bytes, m.text.mem.Bytes)
	if err := m.mapText(d.text); err != nil {
		return errors.Join(err, m.mapText(m.text.mem), d.text.Free())
	}
	for i, v := range debugVectors {
		copy(m.private(layout.DebugVA+uint64(i)*debugStride), debugStub[:])
		at := idtVA + uint64(v)*16
		d.gates[i] = [2]uint64{m.word(at), m.word(at + 8)}
		low, high := gateWords(layout.DebugVA+uint64(i)*debugStride, d.gates[i][0]>>45&3, 2)
		m.setWord(at, low)
		m.setWord(at+8, high)
	}
	return nil
}

// mapText makes a memory the image's read-only part of this guest.
func (m *Machine) mapText(text *hostmem.Memory) error {
	if err := m.vm.MapMemory(slotText, layout.ImageGPA, 0, 0, true); err != nil {
		return err
	}
	return m.vm.MapMemory(slotText, layout.ImageGPA, uint64(len(text.Bytes)), text.Address(), true)
}

// Detach takes everything back and lets the core go on.
func (d *Debugger) Detach() error {
	m := d.m
	m.mu.Lock()
	defer m.mu.Unlock()
	m.halt.held = true
	m.stand()
	defer m.release()
	if !m.halt.shown {
		return ErrOver // Close frees the text
	}
	d.disarm()
	d.forgetSteps()
	for i, v := range debugVectors {
		at := idtVA + uint64(v)*16
		m.setWord(at, d.gates[i][0])
		m.setWord(at+8, d.gates[i][1])
	}
	if err := m.mapText(m.text.mem); err != nil {
		return err
	}
	m.debugger = nil
	return d.text.Free()
}

// Halt makes the core stand, and reports whether it does: it may be over.
func (d *Debugger) Halt() bool {
	m := d.m
	m.mu.Lock()
	defer m.mu.Unlock()
	m.halt.held = true
	m.stand()
	if m.halt.shown {
		d.disarm()
		d.recall()
	}
	return m.halt.shown
}

// Resume lets the core go on, by one instruction where step says so.
func (d *Debugger) Resume(step bool) error {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	if !d.m.halt.shown {
		return ErrRuns
	}
	if step {
		if err := d.arm(); err != nil {
			return err
		}
	} else {
		d.steps = 0
	}
	d.m.release()
	return nil
}

// Insert sets a breakpoint.
func (d *Debugger) Insert(va uint64) error {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	at, err := d.breakable(va)
	if err != nil {
		return err
	}
	if _, set := d.breakpoints[va]; !set {
		d.breakpoints[va] = *at
		*at = int3
	}
	return nil
}

// Remove takes a breakpoint away.
func (d *Debugger) Remove(va uint64) error {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	at, err := d.breakable(va)
	if err != nil {
		return err
	}
	if old, set := d.breakpoints[va]; set {
		*at = old
		delete(d.breakpoints, va)
	}
	return nil
}

const int3 = 0xcc

// breakable returns the byte of the core's text at an address where a breakpoint may be.
func (d *Debugger) breakable(va uint64) (*byte, error) {
	if !d.m.halt.shown {
		return nil, ErrRuns
	}
	gpa, ok := d.m.Translate(va)
	if !ok || gpa-layout.ImageGPA >= uint64(len(d.text.Bytes)) {
		return nil, fmt.Errorf("breakpoint at %#x: %w", va, ErrNoText)
	}
	if table := &d.m.text.Image.Table; inCPL0(table, va) {
		return nil, fmt.Errorf("breakpoint at %#x: %w", va, ErrCPL0)
	}
	return &d.text.Bytes[gpa-layout.ImageGPA], nil
}

// inCPL0 reports whether an address is in the text that the driver runs at CPL0: from
// its exception stubs to the IRETQ for spurious interrupts, and the noting stubs.
func inCPL0(table *[layout.TableWords]uint64, va uint64) bool {
	const noting = 128 // bytes that the longest of them has at most
	if va >= table[layout.TableVectors] && va < table[layout.TableSpurious]+2 {
		return true
	}
	for _, i := range []int{layout.TableTickNoted, layout.TableBellNoted, layout.TableStepNoted} {
		if va-table[i] < noting {
			return true
		}
	}
	return false
}
