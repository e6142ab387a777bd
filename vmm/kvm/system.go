// Package kvm is the VMM's access to KVM: one method per ioctl, no policy. It
// uses gokvm's kvm package for the ioctls that has and adds the rest (event
// descriptors, interrupt routing for MSIs, vCPU attributes).
//
// Numbers and structures are those of include/uapi/linux/kvm.h; the calls are
// described in Documentation/virt/kvm/api.rst of the Linux kernel.
package kvm

import (
	"errors"
	"fmt"
	"os"

	"github.com/bobuhiro11/gokvm/kvm"
	"golang.org/x/sys/unix"
)

// Errors of Open.
var (
	// ErrMissing says that there is no /dev/kvm.
	ErrMissing = errors.New("no /dev/kvm")
	// ErrForbidden says that /dev/kvm cannot be opened by this user.
	ErrForbidden = errors.New("/dev/kvm is not accessible")
	// ErrUnusable says that KVM is there but lacks something needed.
	ErrUnusable = errors.New("KVM is not usable")
)

// Flavour is how KVM runs guest code.
type Flavour string

// Flavours of KVM on x86-64.
const (
	PVM     Flavour = "pvm" // no hardware virtualisation: CPL3 native, CPL0 emulated
	SVM     Flavour = "svm" // AMD
	VMX     Flavour = "vmx" // Intel
	Unknown Flavour = "unknown"
)

// System is an open /dev/kvm.
type System struct {
	fd       int
	mmapSize int
	cpuid    *kvm.CPUID
}

// DevicePath is the KVM device.
const DevicePath = "/dev/kvm"

// required lists the capabilities without which no core can run.
var required = []struct {
	cap  kvm.Capability
	name string
}{
	{kvm.CapUserMemory, "KVM_CAP_USER_MEMORY"},
	{kvm.CapIRQChip, "KVM_CAP_IRQCHIP"},
	{kvm.CapIRQRouting, "KVM_CAP_IRQ_ROUTING"},
	{kvm.CapIRQFD, "KVM_CAP_IRQFD"},
	{kvm.CapIOEventFD, "KVM_CAP_IOEVENTFD"},
	{kvm.CapXCRS, "KVM_CAP_XCRS"},
	{kvm.CapSplitIRQChip, "KVM_CAP_SPLIT_IRQCHIP"},
	{kvm.CapImmediateExit, "KVM_CAP_IMMEDIATE_EXIT"},
	{kvm.CapGetTSCkHz, "KVM_CAP_GET_TSC_KHZ"},
}

// Open opens KVM and checks that it can run cores. path is DevicePath but in
// tests.
func Open(path string) (*System, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return nil, fmt.Errorf("kvm: %w (%w): load a KVM module or enable virtualisation in firmware; 'barreleye doctor' shows what is missing", ErrMissing, err)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return nil, fmt.Errorf("kvm: %w (%w): let this user open %s (often: join the group kvm), or run as root", ErrForbidden, err, path)
	case err != nil:
		return nil, fmt.Errorf("kvm: open %s: %w: 'barreleye doctor' shows what is missing", path, err)
	}
	s := &System{fd: fd}
	if err := s.check(); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return s, nil
}

func (s *System) check() error {
	v, err := kvm.GetAPIVersion(uintptr(s.fd))
	if err != nil {
		return fmt.Errorf("kvm: %w: KVM_GET_API_VERSION: %w: this is no KVM device", ErrUnusable, err)
	}
	if v != 12 {
		return fmt.Errorf("kvm: %w: API version %d, want 12: use a kernel from 2.6.22 on", ErrUnusable, v)
	}
	for _, r := range required {
		if s.Capability(r.cap) == 0 {
			return fmt.Errorf("kvm: %w: this kernel lacks %s: use a kernel that has it", ErrUnusable, r.name)
		}
	}
	n, err := kvm.GetVCPUMMmapSize(uintptr(s.fd))
	if err != nil {
		return fmt.Errorf("kvm: %w: KVM_GET_VCPU_MMAP_SIZE: %w: use another kernel", ErrUnusable, err)
	}
	s.mmapSize = int(n)
	s.cpuid = &kvm.CPUID{Nent: 256, Entries: make([]kvm.CPUIDEntry2, 256)}
	if err := kvm.GetSupportedCPUID(uintptr(s.fd), s.cpuid); err != nil {
		return fmt.Errorf("kvm: %w: KVM_GET_SUPPORTED_CPUID: %w: use another kernel", ErrUnusable, err)
	}
	return nil
}

// Close closes the device; VMs made from it live on.
func (s *System) Close() error { return unix.Close(s.fd) }

// Capability returns the value of a capability, 0 where KVM lacks it.
func (s *System) Capability(c kvm.Capability) int {
	v, err := kvm.CheckExtension(uintptr(s.fd), c)
	if err != nil {
		return 0
	}
	return int(v)
}

// CPUID returns one leaf of the CPUID that KVM supports for guests.
func (s *System) CPUID(function, index uint32) (e kvm.CPUIDEntry2, ok bool) {
	for _, e := range s.cpuid.Entries[:s.cpuid.Nent] {
		if e.Function == function && e.Index == index {
			return e, true
		}
	}
	return e, false
}

// DetectFlavour tells how KVM on this machine runs guests, by the module that
// is loaded.
func DetectFlavour() Flavour {
	for _, m := range []struct {
		module string
		f      Flavour
	}{{"kvm_pvm", PVM}, {"kvm_amd", SVM}, {"kvm_intel", VMX}} {
		if _, err := os.Stat("/sys/module/" + m.module); err == nil {
			return m.f
		}
	}
	return Unknown
}

// HaltPoll returns the host's default halt polling in ns, -1 if unknown: for
// how long KVM polls for a wake-up of a halted vCPU before it sleeps.
func HaltPoll() int {
	b, err := os.ReadFile("/sys/module/kvm/parameters/halt_poll_ns")
	if err != nil {
		return -1
	}
	n := -1
	fmt.Sscan(string(b), &n)
	return n
}
