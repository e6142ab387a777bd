package kvm

import (
	"errors"
	"fmt"

	"github.com/bobuhiro11/gokvm/kvm"
	"golang.org/x/sys/unix"
)

// VM is one virtual machine with a local APIC in the kernel.
type VM struct {
	sys    *System
	fd     int
	routes []msiRoute
	// slot is here because gokvm passes its address on as an integer, under
	// which a stack could move.
	slot kvm.UserspaceMemoryRegion
}

// CreateVM makes an empty VM.
func (s *System) CreateVM() (*VM, error) {
	var fd uintptr
	err := again(func() (err error) {
		fd, err = kvm.CreateVM(uintptr(s.fd))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("kvm: KVM_CREATE_VM: %w: end other virtual machines, or free memory", err)
	}
	return &VM{sys: s, fd: int(fd)}, nil
}

// Close destroys the VM once its vCPU and event descriptors are closed.
func (v *VM) Close() error { return unix.Close(v.fd) }

// SetTSSAddress gives KVM the three pages it wants for itself on VMX.
func (v *VM) SetTSSAddress(gpa uint32) error {
	return wrap("KVM_SET_TSS_ADDR", again(func() error { return kvm.SetTSSAddr(uintptr(v.fd), gpa) }))
}

// MapMemory makes size bytes of host memory at address hva the guest's memory
// at gpa, as memory slot number slot.
func (v *VM) MapMemory(slot int, gpa, size, hva uint64, readonly bool) error {
	v.slot = kvm.UserspaceMemoryRegion{Slot: uint32(slot), GuestPhysAddr: gpa, MemorySize: size, UserspaceAddr: hva}
	if readonly && v.sys.Capability(kvm.CapReadOnlyMEM) != 0 {
		v.slot.SetMemReadonly()
	}
	return wrap(fmt.Sprintf("KVM_SET_USER_MEMORY_REGION slot %d", slot),
		again(func() error { return kvm.SetUserMemoryRegion(uintptr(v.fd), &v.slot) }))
}

// EnableLocalAPIC puts the local APIC, and nothing of the PC's other interrupt
// controllers, into the kernel, with room for pins MSI routes.
func (v *VM) EnableLocalAPIC(pins int) error {
	return v.enable(kvm.CapSplitIRQChip, uint64(pins))
}

// SetHaltPoll sets for how many ns KVM polls for a wake-up of this VM's halted
// vCPU. ErrUnusable where KVM cannot set it per VM.
func (v *VM) SetHaltPoll(ns uint32) error {
	if v.sys.Capability(kvm.CapHALTPoll) == 0 {
		return fmt.Errorf("kvm: %w: no KVM_CAP_HALT_POLL: set /sys/module/kvm/parameters/halt_poll_ns instead", ErrUnusable)
	}
	return v.enable(kvm.CapHALTPoll, uint64(ns))
}

// StopOnFailedEmulation makes an instruction that KVM would have to emulate and
// cannot leave the guest, at any privilege level, instead of raising #UD there.
// Kernels before 5.13 have nothing of the kind, and it does nothing.
func (v *VM) StopOnFailedEmulation() error {
	if v.sys.Capability(kvm.CapExitOnEmulationFailure) == 0 {
		return nil
	}
	return v.enable(kvm.CapExitOnEmulationFailure, 1)
}

// again repeats a call that a signal interrupted: the Go runtime sends its
// threads signals to preempt them, and some ioctls give up for any.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func wrap(call string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("kvm: %s: %w: 'barreleye doctor' tries KVM step by step", call, err)
}
