package kvm

import (
	"runtime"
	"unsafe"

	"github.com/bobuhiro11/gokvm/kvm"
	"golang.org/x/sys/unix"
)

// Ioctl numbers that gokvm lacks (include/uapi/linux/kvm.h).
var (
	nrEnableCap     = kvm.IIOW(0xa3, unsafe.Sizeof(enableCap{}))
	nrIRQFD         = kvm.IIOW(0x76, unsafe.Sizeof(irqfd{}))
	nrIOEventFD     = kvm.IIOW(0x79, unsafe.Sizeof(ioeventfd{}))
	nrSetGSIRouting = kvm.IIOW(0x6a, 8)
	nrSetDeviceAttr = kvm.IIOW(0xe1, unsafe.Sizeof(deviceAttr{}))
	nrGetDeviceAttr = kvm.IIOW(0xe2, unsafe.Sizeof(deviceAttr{}))
	nrRun           = kvm.IIO(0x80)
	nrGuestDebug    = kvm.IIOW(0x9b, unsafe.Sizeof(guestDebug{}))
	nrGetXsave      = kvm.IIOR(0xa4, xsaveSize)
	nrSetXsave      = kvm.IIOW(0xa5, xsaveSize)
)

// enableCap is struct kvm_enable_cap.
type enableCap struct {
	cap, flags uint32
	args       [4]uint64
	_          [64]byte
}

// irqfd is struct kvm_irqfd.
type irqfd struct {
	fd, gsi, flags, resample uint32
	_                        [16]byte
}

// ioeventfd is struct kvm_ioeventfd.
type ioeventfd struct {
	datamatch, addr uint64
	length          uint32
	fd              int32
	flags           uint32
	_               [36]byte
}

// msiRoute is struct kvm_irq_routing_entry for an MSI.
type msiRoute struct {
	gsi, kind, flags, _ uint32
	addrLow, addrHigh   uint32
	data, _             uint32
	_                   [4]uint32
}

// guestDebug is struct kvm_guest_debug.
type guestDebug struct {
	control  uint32
	_        uint32
	debugReg [8]uint64
}

// deviceAttr is struct kvm_device_attr.
type deviceAttr struct {
	flags, group uint32
	attr, addr   uint64
}

const (
	_ = -(unsafe.Sizeof(enableCap{}) - 104)
	_ = -(unsafe.Sizeof(irqfd{}) - 32)
	_ = -(unsafe.Sizeof(ioeventfd{}) - 64)
	_ = -(unsafe.Sizeof(msiRoute{}) - 48)
	_ = -(unsafe.Sizeof(deviceAttr{}) - 24)
	_ = -(unsafe.Sizeof(guestDebug{}) - 72)
)

const (
	routingMSI  = 2 // KVM_IRQ_ROUTING_MSI
	msiAddress  = 0xfee0_0000
	tscGroup    = 0 // KVM_VCPU_TSC_CTRL
	tscOffset   = 0 // KVM_VCPU_TSC_OFFSET
	maxMSIRoute = 8

	irqfdDeassign = 1 // KVM_IRQFD_FLAG_DEASSIGN

	debugEnable = 1 // KVM_GUESTDBG_ENABLE
	debugStep   = 2 // KVM_GUESTDBG_SINGLESTEP
)

func ioctl(fd int, nr uintptr, arg unsafe.Pointer) error {
	return again(func() error {
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), nr, uintptr(arg)); e != 0 {
			return e
		}
		return nil
	})
}

func (v *VM) enable(c kvm.Capability, arg uint64) error {
	e := enableCap{cap: uint32(c), args: [4]uint64{arg}}
	return wrap("KVM_ENABLE_CAP "+c.String(), ioctl(v.fd, nrEnableCap, unsafe.Pointer(&e)))
}

// BindDoorbell makes a 4-byte store at gpa signal the event descriptor fd,
// without leaving the kernel.
func (v *VM) BindDoorbell(gpa uint64, fd int) error {
	e := ioeventfd{addr: gpa, length: 4, fd: int32(fd)}
	return wrap("KVM_IOEVENTFD", ioctl(v.fd, nrIOEventFD, unsafe.Pointer(&e)))
}

// BindInterrupt makes every signal of the event descriptor fd raise vector in
// the vCPU with APIC id 0.
func (v *VM) BindInterrupt(vector uint8, fd int) error {
	gsi := uint32(len(v.routes))
	v.routes = append(v.routes, msiRoute{gsi: gsi, kind: routingMSI, addrLow: msiAddress, data: uint32(vector)})
	table := struct {
		n, flags uint32
		entries  [maxMSIRoute]msiRoute
	}{n: uint32(len(v.routes))}
	copy(table.entries[:], v.routes)
	if err := ioctl(v.fd, nrSetGSIRouting, unsafe.Pointer(&table)); err != nil {
		return wrap("KVM_SET_GSI_ROUTING", err)
	}
	i := irqfd{fd: uint32(fd), gsi: gsi}
	return wrap("KVM_IRQFD", ioctl(v.fd, nrIRQFD, unsafe.Pointer(&i)))
}

// UnbindInterrupt undoes BindInterrupt, so that another VM can have the event
// descriptor.
func (v *VM) UnbindInterrupt(fd int) error {
	for gsi := range v.routes {
		i := irqfd{fd: uint32(fd), gsi: uint32(gsi), flags: irqfdDeassign}
		if err := ioctl(v.fd, nrIRQFD, unsafe.Pointer(&i)); err != nil {
			return wrap("KVM_IRQFD", err)
		}
	}
	return nil
}

// RebindInterrupt binds the first event descriptor that was bound, after UnbindInterrupt.
// Where it was signalled meanwhile the interrupt comes at once.
func (v *VM) RebindInterrupt(fd int) error {
	i := irqfd{fd: uint32(fd)}
	return wrap("KVM_IRQFD", ioctl(v.fd, nrIRQFD, unsafe.Pointer(&i)))
}

// ZeroTSCOffset makes the guest's TSC the host's and reports whether it is.
// PVM's guests always read the host's.
func (c *VCPU) ZeroTSCOffset() (bool, error) {
	var offset uint64
	a := deviceAttr{group: tscGroup, attr: tscOffset, addr: uint64(uintptr(unsafe.Pointer(&offset)))}
	var pin runtime.Pinner
	pin.Pin(&offset)
	defer pin.Unpin()
	if err := ioctl(c.fd, nrSetDeviceAttr, unsafe.Pointer(&a)); err != nil {
		return false, wrap("KVM_SET_DEVICE_ATTR TSC_OFFSET", err)
	}
	offset = 1
	if err := ioctl(c.fd, nrGetDeviceAttr, unsafe.Pointer(&a)); err != nil {
		return false, wrap("KVM_GET_DEVICE_ATTR TSC_OFFSET", err)
	}
	return offset == 0, nil
}

// Step runs one instruction, and reports whether it did: a Kick, or another exit may
// come first. On PVM it is for instructions that begin and end at CPL0, which KVM emulates:
// at CPL3 nothing stops the vCPU.
func (c *VCPU) Step() (stepped bool, err error) {
	d := guestDebug{control: debugEnable | debugStep}
	if err := ioctl(c.fd, nrGuestDebug, unsafe.Pointer(&d)); err != nil {
		return false, wrap("KVM_SET_GUEST_DEBUG", err)
	}
	e, interrupted, err := c.Run()
	d.control = 0
	if off := wrap("KVM_SET_GUEST_DEBUG", ioctl(c.fd, nrGuestDebug, unsafe.Pointer(&d))); err == nil {
		err = off
	}
	return err == nil && !interrupted && e.Reason == kvm.EXITDEBUG, err
}
