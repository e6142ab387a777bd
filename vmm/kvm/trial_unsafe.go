package kvm

import (
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"github.com/bobuhiro11/gokvm/kvm"
	"golang.org/x/sys/unix"
)

// The trial's program, in 16-bit real mode: it computes a word and stores it
// where the VM has no memory, which ends in the VMM.
var trialCode = []byte{
	0xb8, 0x29, 0x00, // mov ax, 41
	0x40,             // inc ax
	0xa3, 0x00, 0x80, // mov [0x8000], ax
	0xf4, // hlt: not reached
}

const (
	trialGPA    = 0x1000
	trialStore  = 0x8000
	trialAnswer = 42
	// trialWithin ends a trial that hangs.
	trialWithin = 5 * time.Second
)

// Try makes a VM of its own and has its vCPU execute a few instructions, as
// the smallest proof that KVM not only can be opened. It says nothing about
// 64-bit mode. The error of a wrong outcome is ErrUnusable.
func (s *System) Try() error { return s.try(trialCode, trialWithin) }

func (s *System) try(code []byte, within time.Duration) error {
	page, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return fmt.Errorf("kvm: trial: one page: %w: free some memory", err)
	}
	defer unix.Munmap(page)
	copy(page, code)
	vm, err := s.CreateVM()
	if err != nil {
		return err
	}
	defer vm.Close()
	if err := vm.SetTSSAddress(0xfffb_d000); err != nil {
		return err
	}
	if err := vm.MapMemory(0, trialGPA, uint64(len(page)), uint64(uintptr(unsafe.Pointer(&page[0]))), false); err != nil {
		return err
	}
	vcpu, err := vm.CreateVCPU()
	if err != nil {
		return err
	}
	defer vcpu.Close()
	sregs, err := vcpu.Sregs()
	if err != nil {
		return err
	}
	sregs.CS.Selector, sregs.CS.Base = 0, 0
	sregs.DS.Selector, sregs.DS.Base = 0, 0
	if err := vcpu.SetSregs(sregs); err != nil {
		return err
	}
	if err := vcpu.SetRegs(Regs{RIP: trialGPA, RFLAGS: 2}); err != nil {
		return err
	}
	exit, err := vcpu.runWithin(within)
	switch {
	case err != nil:
		return err
	case exit.Reason != kvm.EXITMMIO || !exit.Write || exit.Address != trialStore || exit.Data != trialAnswer:
		return fmt.Errorf("kvm: %w: trial: its instructions ended with %v at %#x, data %d, want a store of %d at %#x: use another kernel",
			ErrUnusable, exit.Reason, exit.Address, exit.Data, trialAnswer, trialStore)
	}
	return nil
}

// runWithin runs the guest until it leaves for the VMM, or the time is over.
func (c *VCPU) runWithin(d time.Duration) (Exit, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	thread, end := unix.Gettid(), time.Now().Add(d)
	// SIGURG is the Go runtime's own and ignored where nobody expects it.
	timer := time.AfterFunc(d, func() {
		c.Kick()
		unix.Tgkill(unix.Getpid(), thread, unix.SIGURG)
	})
	defer timer.Stop()
	for {
		exit, interrupted, err := c.Run()
		if err != nil || !interrupted {
			return exit, err
		}
		if time.Now().After(end) {
			return exit, fmt.Errorf("kvm: %w: trial: no end of its instructions within %v: use another kernel", ErrUnusable, d)
		}
	}
}
