package kvm

import (
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/bobuhiro11/gokvm/kvm"
	"golang.org/x/sys/unix"
)

// Registers of gokvm, under names of our own layer.
type (
	Regs       = kvm.Regs
	Sregs      = kvm.Sregs
	Segment    = kvm.Segment
	Descriptor = kvm.Descriptor
	LAPIC      = kvm.LAPICState
)

// VCPU is one virtual CPU. Its methods but Kick are for the thread that runs
// it, or for anybody while it does not run.
type VCPU struct {
	sys *System
	fd  int
	run []byte // struct kvm_run

	// On the heap for good, because gokvm passes their addresses as integers.
	regs  *Regs
	sregs *Sregs
	xcrs  kvm.XCRS
	event kvm.VCPUEvents
	lapic LAPIC
	mp    kvm.MPState
}

// runLayout mirrors the beginning of struct kvm_run.
type runLayout struct {
	requestInterruptWindow uint8
	immediateExit          uint8
	_                      [6]uint8
	exitReason             uint32
	_                      [20]uint8
	exit                   [256]byte
}

const (
	_ = -(unsafe.Offsetof(runLayout{}.exitReason) - 8)
	_ = -(unsafe.Offsetof(runLayout{}.exit) - 32)
)

// CreateVCPU makes the VM's vCPU with APIC id 0 and gives it the CPUID that
// KVM supports.
func (v *VM) CreateVCPU() (*VCPU, error) {
	var fd uintptr
	err := again(func() (err error) {
		fd, err = kvm.CreateVCPU(uintptr(v.fd), 0)
		return err
	})
	if err != nil {
		return nil, wrap("KVM_CREATE_VCPU", err)
	}
	c := &VCPU{sys: v.sys, fd: int(fd)}
	if c.run, err = unix.Mmap(c.fd, 0, v.sys.mmapSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		unix.Close(c.fd)
		return nil, wrap("mmap of struct kvm_run", err)
	}
	if err := kvm.SetCPUID2(uintptr(c.fd), v.sys.cpuid); err != nil {
		c.Close()
		return nil, wrap("KVM_SET_CPUID2", err)
	}
	return c, nil
}

// Close destroys the vCPU, which must not be running.
func (c *VCPU) Close() error {
	return errors.Join(unix.Munmap(c.run), unix.Close(c.fd))
}

func (c *VCPU) layout() *runLayout { return (*runLayout)(unsafe.Pointer(&c.run[0])) }

// Regs reads the general registers.
func (c *VCPU) Regs() (r Regs, err error) {
	c.regs, err = kvm.GetRegs(uintptr(c.fd))
	return *c.regs, wrap("KVM_GET_REGS", err)
}

// SetRegs writes the general registers.
func (c *VCPU) SetRegs(r Regs) error {
	c.regs = &r
	return wrap("KVM_SET_REGS", kvm.SetRegs(uintptr(c.fd), c.regs))
}

// Sregs reads the segment and control registers.
func (c *VCPU) Sregs() (s Sregs, err error) {
	c.sregs, err = kvm.GetSregs(uintptr(c.fd))
	return *c.sregs, wrap("KVM_GET_SREGS", err)
}

// SetSregs writes the segment and control registers.
func (c *VCPU) SetSregs(s Sregs) error {
	c.sregs = &s
	return wrap("KVM_SET_SREGS", kvm.SetSregs(uintptr(c.fd), c.sregs))
}

// SetXCR0 enables vector state components.
func (c *VCPU) SetXCR0(mask uint64) error {
	c.xcrs = kvm.XCRS{NrXRCS: 1}
	c.xcrs.Registers[0].Value = mask
	return wrap("KVM_SET_XCRS", kvm.SetXCRS(uintptr(c.fd), &c.xcrs))
}

// LAPIC reads the local APIC's registers, SetLAPIC writes them.
func (c *VCPU) LAPIC() (l LAPIC, err error) {
	err = kvm.GetLocalAPIC(uintptr(c.fd), &c.lapic)
	return c.lapic, wrap("KVM_GET_LAPIC", err)
}

// SetLAPIC writes the local APIC's registers.
func (c *VCPU) SetLAPIC(l LAPIC) error {
	c.lapic = l
	return wrap("KVM_SET_LAPIC", kvm.SetLocalAPIC(uintptr(c.fd), &c.lapic))
}

// Halted reports whether the vCPU has executed HLT and no interrupt has come for it.
func (c *VCPU) Halted() (bool, error) {
	if err := kvm.GetMPState(uintptr(c.fd), &c.mp); err != nil || c.mp.State != kvm.MPStateHalted {
		return false, wrap("KVM_GET_MP_STATE", err)
	}
	l, err := c.LAPIC()
	for at := lapicIRR; at < lapicIRR+8*16; at++ { // 8 registers of 4 bytes, 16 apart
		if l.Regs[at] != 0 {
			return false, err
		}
	}
	return err == nil, err
}

// lapicIRR is where a local APIC keeps the interrupts that wait (SDM vol. 3, table 11-1).
const lapicIRR = 0x200

// SetMSRs writes model-specific registers, index and value in turn.
func (c *VCPU) SetMSRs(pairs ...uint64) error {
	m := &kvm.MSRS{NMSRs: uint32(len(pairs) / 2)}
	for i := 0; i < len(pairs); i += 2 {
		m.Entries = append(m.Entries, kvm.MSREntry{Index: uint32(pairs[i]), Data: pairs[i+1]})
	}
	return wrap("KVM_SET_MSRS", kvm.SetMSRs(uintptr(c.fd), m))
}

// TSCKHz returns the TSC's frequency in kHz.
func (c *VCPU) TSCKHz() (uint64, error) {
	khz, err := kvm.GetTSCKHz(uintptr(c.fd))
	if err != nil || khz == 0 {
		return 0, fmt.Errorf("kvm: %w: KVM_GET_TSC_KHZ: %d, %v: use a kernel that tells the TSC's frequency", ErrUnusable, khz, err)
	}
	return uint64(khz), nil
}

// ForgetTraps drops a #BP or #OF that waits to be delivered: KVM does not tell of them,
// so that what it tells, given back to it, is without.
func (c *VCPU) ForgetTraps() error {
	if err := kvm.GetVCPUEvents(uintptr(c.fd), &c.event); err != nil {
		return wrap("KVM_GET_VCPU_EVENTS", err)
	}
	return wrap("KVM_SET_VCPU_EVENTS", kvm.SetVCPUEvents(uintptr(c.fd), &c.event))
}

// Kick makes the current or next Run return. The caller must also signal the
// thread that is in Run, which may be inside the guest.
func (c *VCPU) Kick() {
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&c.run[0])), 1<<8) // immediate_exit
}

// Answer is what the read reads that made the vCPU leave; the next Run goes on with it.
func (c *VCPU) Answer(data uint64) {
	*(*uint64)(unsafe.Pointer(&c.layout().exit[8])) = data
}

// Unkick lets the next Run enter the guest again.
func (c *VCPU) Unkick() { atomic.StoreUint32((*uint32)(unsafe.Pointer(&c.run[0])), 0) }

// Complete finishes what the last exit left to be done, so that the registers are
// those behind it, and runs no instruction of the guest.
func (c *VCPU) Complete() error {
	flag := (*uint32)(unsafe.Pointer(&c.run[0]))
	old := atomic.SwapUint32(flag, 1<<8) // immediate_exit
	defer atomic.StoreUint32(flag, old)
	_, interrupted, err := c.Run()
	if err == nil && !interrupted {
		err = fmt.Errorf("kvm: KVM_RUN: it left for another reason than immediate_exit: 'barreleye doctor' tries KVM step by step")
	}
	return err
}

// Exit is why the vCPU stopped.
type Exit struct {
	Reason   kvm.ExitType
	Address  uint64 // EXITMMIO: guest-physical address; EXITIO: port
	Data     uint64 // EXITMMIO: value, zero-extended
	Length   uint32 // EXITMMIO: bytes, at most 8; EXITIO: bytes of each item
	Write    bool   // EXITMMIO, EXITIO
	SubError uint32 // EXITINTERNALERROR; EXITFAILENTRY: hardware reason
	Words    []uint64
}

// Run lets the guest run until it leaves for the VMM. interrupted is true
// where a signal or Kick ended it instead.
func (c *VCPU) Run() (e Exit, interrupted bool, err error) {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(c.fd), nrRun, 0)
	if errno == unix.EINTR || errno == unix.EAGAIN {
		return e, true, nil
	}
	if errno != 0 {
		return e, false, wrap("KVM_RUN", errno)
	}
	l := c.layout()
	e.Reason = kvm.ExitType(l.exitReason)
	word := func(at int) uint64 { return *(*uint64)(unsafe.Pointer(&l.exit[at])) }
	switch e.Reason {
	case kvm.EXITMMIO: // u64 phys_addr, u8 data[8], u32 len, u8 is_write
		e.Address, e.Data, e.Write = word(0), word(8), l.exit[20] != 0
		if e.Length = uint32(word(16)); e.Length < 8 {
			e.Data &= 1<<(8*e.Length) - 1
		}
	case kvm.EXITIO: // u8 direction, u8 size, u16 port, u32 count, u64 data_offset
		e.Address, e.Length, e.Write = word(0)>>16&0xffff, uint32(l.exit[1]), l.exit[0] != 0
	case kvm.EXITFAILENTRY:
		e.SubError = uint32(word(0))
	case kvm.EXITINTERNALERROR: // u32 suberror, u32 ndata, u64 data[16]
		e.SubError = uint32(word(0))
		for i := range min(int(word(0)>>32), 16) {
			e.Words = append(e.Words, word(8+8*i))
		}
	}
	return e, false, nil
}
