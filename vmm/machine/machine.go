// Package machine is one core: a VM with one vCPU, private RAM laid out as
// devices/layout says, and the shared region. It boots an image at CPL3 and
// turns the vCPU's exits into named ends. What cores there are and how they
// are wired is vmm/multikernel's business.
package machine

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"barreleye/devices/boot"
	"barreleye/devices/doorbell"
	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/vmm/hostmem"
	"barreleye/vmm/kvm"
	"barreleye/vmm/postmortem"

	"golang.org/x/sys/unix"
)

// Config describes one core.
type Config struct {
	Core, Cores int
	Life        uint64
	RAM         uint64              // bytes at the start, a multiple of 2 MiB
	MaxRAM      uint64              // up to which it may grow, likewise; 0 for RAM
	Args, Env   []string            // argv and environment of the program
	Tick        time.Duration       // period of the tick while something runs, 0 for none
	TickSpread  time.Duration       // each tick comes up to this much later, at random
	Poll        time.Duration       // how long the idle loop polls before it halts
	Flags       uint64              // boot.Flag*
	Populate    bool                // back all RAM before the start
	Files       *hostmem.Memory     // file tree that all guests see, nil for none
	CPU         int                 // host CPU the vCPU's thread is pinned to, -1 for none
	Exited      func(reason uint64) // if set, called at each exit to the VMM with KVM's reason
	Geometry    region.Geometry     // of the shared region
	Shared      bool                // the core may do anything with all of the region
	// Available returns how many bytes the host has to spare; nil for what it says.
	Available func() uint64
	// Lent returns the run around a page of the region that another core lends to this
	// one (region.View.Lent).
	Lent func(page int) (region.Span, bool)
}

// Machine is one core's VM.
type Machine struct {
	cfg    Config
	text   *Text
	ram    *hostmem.Memory
	tables *pageTables
	vm     *kvm.VM
	vcpu   *kvm.VCPU
	tscKHz uint64
	slots  slots
	grown  []grownSlot
	loans  loans

	bootAt, entropyAt uint64 // offsets in RAM of the boot page and of the entropy page

	mu        sync.Mutex
	thread    int // Linux thread id while in Run, else 0
	stopped   bool
	condemned string // why it counts as stuck, "" where it does not
	halt      parking
	debugger  *Debugger // nil for none
	nap       *nap      // that it is to take, or takes
	Exits     uint64    // exits to the VMM, valid when Run returned

	last postmortem.Thread // the vCPU's registers when Run returned
}

// Memory slots.
const (
	slotRAM = iota
	slotText
	slotFiles
	slotRegion // and those behind it: one per span (mapRegion), and per part of RAM that was added
)

// newMachine returns a machine without memory.
func newMachine(cfg Config, text *Text) *Machine {
	cfg.MaxRAM = max(cfg.MaxRAM, cfg.RAM)
	if cfg.MaxRAM > cfg.RAM {
		hostmem.Available() // while it can open what it reads
	}
	m := &Machine{cfg: cfg, text: text}
	m.halt.changed.L = &m.mu
	return m
}

// New builds a machine. shared is the shared region's memory.
func New(sys *kvm.System, cfg Config, text *Text, shared *hostmem.Memory) (m *Machine, err error) {
	m = newMachine(cfg, text)
	if c := &m.cfg; c.RAM < layout.MinRAM || c.MaxRAM > layout.MaxRAM || c.MaxRAM < c.RAM || (c.RAM|c.MaxRAM)%layout.HugeSize != 0 {
		return nil, fmt.Errorf("machine: %d to %d bytes of memory: use a --memory and a --max-memory of %d MiB to %d GiB, in steps of 2 MiB",
			c.RAM, c.MaxRAM, layout.MinRAM>>20, uint64(layout.MaxRAM)>>30)
	}
	defer func() {
		if err != nil {
			m.Close()
			m = nil
		}
	}()
	if m.ram, err = hostmem.AllocateUpTo(m.cfg.size(), m.cfg.end()); err != nil {
		return
	}
	b := &builder{cfg: &m.cfg, ram: m.ram, tables: &pageTables{ram: m.ram.Bytes}}
	m.tables = b.tables
	b.adviseRAM()
	rsp, err := b.build(text, uint64(len(shared.Bytes)))
	if err != nil {
		return
	}
	m.bootAt, m.entropyAt = b.bootAt, b.entropyAt
	if err = m.createVM(sys, shared); err != nil {
		return
	}
	if err = m.setRegisters(sys, text, rsp); err == nil {
		b.page.PollCycles = uint64(cfg.Poll.Nanoseconds()) * m.tscKHz / 1_000_000
	}
	return
}

// createVM makes the VM and its vCPU over memory that is laid out.
func (m *Machine) createVM(sys *kvm.System, shared *hostmem.Memory) (err error) {
	if m.vm, err = sys.CreateVM(); err != nil {
		return
	}
	if err = m.vm.SetTSSAddress(layout.TSSAddrGPA); err != nil {
		return
	}
	if err = m.vm.EnableLocalAPIC(1); err != nil {
		return
	}
	for _, s := range []struct {
		slot     int
		gpa      uint64
		mem      *hostmem.Memory
		readonly bool
	}{
		{slotRAM, layout.RAMGPA, m.ram, false},
		{slotText, layout.ImageGPA, m.text.mem, true},
		{slotFiles, layout.FilesGPA, m.cfg.Files, true},
	} {
		if s.mem == nil {
			continue
		}
		size := uint64(len(s.mem.Bytes))
		if s.slot == slotRAM {
			size = s.mem.Size()
		}
		if err = m.vm.MapMemory(s.slot, s.gpa, size, s.mem.Address(), s.readonly); err != nil {
			return
		}
	}
	if err = m.mapRegion(sys, shared); err != nil {
		return
	}
	for _, p := range m.ram.Parts() {
		if err = m.mapPart(p); err != nil {
			return
		}
	}
	m.vcpu, err = m.vm.CreateVCPU()
	return
}

func (m *Machine) setRegisters(sys *kvm.System, text *Text, rsp uint64) error {
	var err error
	if m.tscKHz, err = m.vcpu.TSCKHz(); err != nil {
		return err
	}
	if zero, err := m.vcpu.ZeroTSCOffset(); err != nil || !zero {
		return fmt.Errorf("machine: core %d: %w: the guest's TSC cannot be made the host's (%v), clocks of cores would differ: use a kernel from 5.16 on", m.cfg.Core, kvm.ErrUnusable, err)
	}
	if err := setSystemRegisters(sys, m.vcpu, &text.Image.Table, m.tables.pool+layout.RAMGPA); err != nil {
		return err
	}
	// A kernel that does not measure steal time leaves the word alone.
	if err := m.vcpu.SetMSRs(msrStealTime, layout.RAMGPA+m.bootAt+uint64(boot.StealAt)|1); err != nil {
		return err
	}
	if err := setLocalAPIC(m.vcpu); err != nil {
		return err
	}
	if err := setVectorState(sys, m.vcpu); err != nil {
		return err
	}
	return m.vcpu.SetRegs(kvm.Regs{RIP: text.Image.Entry, RSP: rsp, RFLAGS: rflags})
}

// TSCKHz returns the TSC's frequency in kHz.
func (m *Machine) TSCKHz() uint64 { return m.tscKHz }

// SetHaltPoll sets this core's halt polling in ns.
func (m *Machine) SetHaltPoll(ns uint32) error { return m.vm.SetHaltPoll(ns) }

// BindDoorbell makes the core's stores to doorbell register i signal fd.
func (m *Machine) BindDoorbell(i, fd int) error { return m.vm.BindDoorbell(doorbell.GPA(i), fd) }

// BindInterrupt makes signals of fd ring this core.
func (m *Machine) BindInterrupt(fd int) error {
	return m.vm.BindInterrupt(layout.VectorDoorbell, fd)
}

// UnbindInterrupt undoes BindInterrupt.
func (m *Machine) UnbindInterrupt(fd int) error { return m.vm.UnbindInterrupt(fd) }

// ResidentKiB returns how much of the private RAM the host backs, in KiB.
func (m *Machine) ResidentKiB() int { return m.ram.ResidentKiB() }

// Blocked reports whether the vCPU's thread sleeps in the kernel, as that of a
// halted vCPU does until an interrupt comes for it.
func (m *Machine) Blocked() bool {
	m.mu.Lock()
	thread := m.thread
	m.mu.Unlock()
	b, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/stat", thread))
	if err != nil {
		return false
	}
	// "TID (NAME) STATE ...", where the name may hold anything
	_, after, ok := strings.Cut(string(b[bytes.LastIndexByte(b, ')')+1:]), " ")
	return ok && strings.HasPrefix(after, "S")
}

// Close ends the VM and frees its RAM. The machine must not be running.
func (m *Machine) Close() error {
	var first error
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	if m.vcpu != nil {
		keep(m.vcpu.Close())
	}
	if m.vm != nil {
		keep(m.vm.Close())
	}
	if m.ram != nil {
		keep(m.ram.Free())
	}
	if m.debugger != nil {
		keep(m.debugger.text.Free()) // which the VM had to the end
	}
	m.vcpu, m.vm, m.ram = nil, nil, nil
	return first
}

// Stop makes Run return with EndStopped, at once and for good.
func (m *Machine) Stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopped = true
	m.halt.changed.Broadcast()
	m.kick()
}

// kick has Run look at what it was told, with mu held.
func (m *Machine) kick() {
	m.vcpu.Kick()
	m.nap.wake()
	if m.thread != 0 {
		// SIGURG is harmless to the Go runtime; it only ends KVM_RUN.
		_ = unix.Tgkill(unix.Getpid(), m.thread, unix.SIGURG)
	}
}

// enterThread pins the calling thread and makes it the target of Stop.
func (m *Machine) enterThread() (leave func(), err error) {
	runtime.LockOSThread()
	var before unix.CPUSet
	_ = unix.SchedGetaffinity(0, &before)
	if m.cfg.CPU >= 0 {
		var set unix.CPUSet
		set.Set(m.cfg.CPU)
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			runtime.UnlockOSThread()
			m.leave()
			return nil, fmt.Errorf("machine: core %d: pin to CPU %d: %w: use --pin none or CPUs this process may use", m.cfg.Core, m.cfg.CPU, err)
		}
	}
	m.mu.Lock()
	m.thread = unix.Gettid()
	m.mu.Unlock()
	return func() {
		m.leave()
		_ = unix.SchedSetaffinity(0, &before)
		runtime.UnlockOSThread()
	}, nil
}

// leave says that no thread runs the core any more.
func (m *Machine) leave() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.thread = 0
	m.halt.over = true
	m.halt.changed.Broadcast()
}
