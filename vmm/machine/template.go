package machine

import (
	"errors"
	"fmt"

	"barreleye/devices/boot"
	"barreleye/devices/layout"
	"barreleye/devices/power"
	"barreleye/vmm/hostmem"
	"barreleye/vmm/kvm"

	gokvm "github.com/bobuhiro11/gokvm/kvm"
)

// Template is a core that was booted up to where package guest learns who it is,
// and stands still: its memory and the state of its vCPU. Copies go on from there,
// each as a core and life of its own (Config). They share the pages that none of
// them has written to.
//
// What was random before that point is the same in all copies, but for the
// runtime's random generators, which every copy gets anew (random.go), and the CPU
// driver's, behind getrandom: see docs/explanation/boot.md.
type Template struct {
	memory *hostmem.Memory   // the lower part of RAM, as it was
	high   map[uint64][]byte // pages above it that hold anything, by offset in RAM
	parts  []hostmem.Part    // what was added to its RAM
	random []uint64          // offsets in RAM of the runtime's generators

	tables            pageTables // where they are
	bootAt, entropyAt uint64

	regs  kvm.Regs
	sregs kvm.Sregs
	xsave []byte
	lapic kvm.LAPIC
}

// ErrNoTemplate says that a program cannot be copied: it ended, or did something
// that only a core may, before package guest knew who it is.
var ErrNoTemplate = errors.New("the program did not come to where copies begin")

// NewTemplate boots a core as the template of others. shared is memory for it
// alone in the place of the shared region; ready is called with the TSC's frequency
// before the first instruction.
func NewTemplate(sys *kvm.System, cfg Config, text *Text, shared *hostmem.Memory, ready func(khz uint64)) (*Template, error) {
	cfg.Flags |= boot.FlagTemplate
	cfg.Shared = true
	m, err := New(sys, cfg, text, shared)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	ready(m.TSCKHz())
	leave, err := m.enterThread()
	if err != nil {
		return nil, err
	}
	defer leave()
	for {
		exit, interrupted, err := m.vcpu.Run()
		switch {
		case err != nil:
			return nil, fmt.Errorf("machine: template: %w", err)
		case interrupted:
		case exit.Reason == gokvm.EXITMMIO && exit.Write && exit.Address == layout.PowerGPA && power.Command(exit.Data) == power.Birth:
			return m.keep()
		case exit.Reason != gokvm.EXITINTR:
			end, over := m.serve(exit)
			if !over {
				continue // it got more memory
			}
			return nil, fmt.Errorf("machine: template: %w: %s %s at %#x: run without --clone", ErrNoTemplate, end.Kind, end.Detail, end.PC)
		}
	}
}

// keep makes the template of a machine that has left for the VMM.
func (m *Machine) keep() (t *Template, err error) {
	if err := m.vcpu.Complete(); err != nil {
		return nil, err
	}
	t = &Template{high: map[uint64][]byte{}, tables: *m.tables, parts: m.ram.Parts(), bootAt: m.bootAt, entropyAt: m.entropyAt}
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	var e1, e2, e3, e4 error
	t.regs, e1 = m.vcpu.Regs()
	t.sregs, e2 = m.vcpu.Sregs()
	t.xsave, e3 = m.vcpu.Xsave()
	t.lapic, e4 = m.vcpu.LAPIC()
	if err = errors.Join(e1, e2, e3, e4); err != nil {
		return t, err
	}
	low := bigFrom(m.cfg.size())
	if t.memory, err = hostmem.AllocateShared("barreleye-template", low); err != nil {
		return t, err
	}
	for page, backed := range m.ram.Backed() {
		at := uint64(page) * layout.PageSize
		from := m.ram.Bytes[at:][:layout.PageSize]
		switch {
		case !backed || [layout.PageSize]byte(from) == [layout.PageSize]byte{}:
		case at < low:
			copy(t.memory.Bytes[at:], from)
		default:
			t.high[at] = append([]byte(nil), from...)
		}
	}
	if t.random = findRandom(m.ram.Bytes[:m.ram.Top()]); len(t.random) == 0 {
		err = fmt.Errorf("machine: template: %w: run without --clone", errRandom)
	}
	return t, err
}

// Close gives the template's memory back; copies keep what they have.
func (t *Template) Close() error {
	if t.memory == nil {
		return nil
	}
	return t.memory.Free()
}

// Clone builds a machine that goes on where the template stands, as the core that
// cfg says. What cfg says of the program has to be as it was for the template.
func (t *Template) Clone(sys *kvm.System, cfg Config, text *Text, shared *hostmem.Memory) (m *Machine, err error) {
	m = newMachine(cfg, text)
	m.bootAt, m.entropyAt = t.bootAt, t.entropyAt
	defer func() {
		if err != nil {
			m.Close()
			m = nil
		}
	}()
	if m.ram, err = hostmem.AllocateCopy(t.memory, m.cfg.size(), m.cfg.end()); err != nil {
		return
	}
	tables := t.tables
	tables.ram = m.ram.Bytes
	m.tables = &tables
	b := &builder{cfg: &m.cfg, ram: m.ram}
	b.adviseRAM()
	for _, p := range t.parts {
		if err = m.ram.Grow(p.From, p.To); err != nil {
			return
		}
	}
	for at, page := range t.high {
		copy(m.ram.Bytes[at:], page)
	}
	if err = m.createVM(sys, shared); err != nil {
		return
	}
	if err = m.setRegisters(sys, text, 0); err != nil {
		return
	}
	if err = m.vcpu.SetSregs(t.sregs); err != nil {
		return
	}
	if err = m.vcpu.SetLAPIC(t.lapic); err != nil {
		return
	}
	if err = m.vcpu.SetXsave(t.xsave); err != nil {
		return
	}
	if err = m.vcpu.SetRegs(t.regs); err != nil {
		return
	}
	m.introduce()
	if err = seed(m.ram, m.entropyAt); err != nil {
		return
	}
	err = reseed(m.ram.Bytes, t.random)
	return
}

// introduce tells the copy who it is.
func (m *Machine) introduce() {
	p := hostmem.View[boot.Page](m.ram, m.bootAt)
	p.Core, p.Cores, p.Life, p.Flags = uint32(m.cfg.Core), uint32(m.cfg.Cores), m.cfg.Life, m.cfg.Flags
	p.PollCycles = uint64(m.cfg.Poll.Nanoseconds()) * m.tscKHz / 1_000_000
}
