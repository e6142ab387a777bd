package hosted

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"barreleye/devices/boot"
	"barreleye/devices/layout"
	"barreleye/devices/region"
)

// A process has of the shared region what its core may see, as a virtual machine
// has. Linux ends one that uses anything else by SIGSEGV; a handler in front of the
// runtime's leaves in the core's crash record where that was. It is no boundary
// against a program that wants to be rid of it: mprotect is the program's too.

// Words for the handler, set before it is.
var (
	guardedStart, guardedSize uintptr // the shared region, up to shared memory
	crashRecord               uintptr
	nextHandler               uintptr // the runtime's
)

// What fault_amd64.s needs to know of region.Crash.
const (
	crashVector  = unsafe.Offsetof(region.Crash{}.Vector)
	crashError   = unsafe.Offsetof(region.Crash{}.Error)
	crashAddress = unsafe.Offsetof(region.Crash{}.Address)
	crashRIP     = unsafe.Offsetof(region.Crash{}.RIP)
	crashRSP     = unsafe.Offsetof(region.Crash{}.RSP)
	crashFlags   = unsafe.Offsetof(region.Crash{}.RFLAGS)
	crashRegs    = unsafe.Offsetof(region.Crash{}.Regs)

	vectorPageFault = 14
)

// faultEntry is the handler, writeNote a part of it; they are not for Go to call.
// faultEntryAddress is where the handler is.
func faultEntry()
func writeNote()
func faultEntryAddress() uintptr

// guard takes from the process what of the region is not its core's.
func (c *Core) guard() error {
	ram, ramSize := c.view.RAM()
	size := uintptr(ram) // what lies behind is not there until it is mapped elsewhere
	guardedStart, guardedSize = layout.RegionVA, size
	crashRecord = uintptr(unsafe.Pointer(c.view.Crash(c.Core())))
	if err := explainFaults(); err != nil {
		return fmt.Errorf("hosted core: %w: report it", err)
	}
	err := mprotect(layout.RegionVA+size, uintptr(ramSize), syscall.PROT_NONE)
	if err == nil && c.page.Flags&boot.FlagShareAll != 0 {
		return nil
	}
	if err == nil {
		err = mprotect(layout.RegionVA, size, syscall.PROT_NONE)
	}
	for s := range c.view.Seen(c.Core()) {
		if s == c.view.RAMSpan() {
			continue
		}
		prot := syscall.PROT_READ
		if s.Access == region.ReadWrite {
			prot |= syscall.PROT_WRITE
		}
		if err == nil {
			err = mprotect(layout.RegionVA+uintptr(s.First)*layout.PageSize, uintptr(s.Pages)*layout.PageSize, prot)
		}
	}
	if err != nil {
		return fmt.Errorf("hosted core: isolation: mprotect: %w: raise vm.max_map_count, or use --isolate=false", err)
	}
	return nil
}

func mprotect(at, size uintptr, prot int) error {
	if _, _, e := syscall.Syscall(syscall.SYS_MPROTECT, at, size, uintptr(prot)); e != 0 {
		return e
	}
	return nil
}

// sigaction is struct kernel_sigaction (include/linux/signal_types.h).
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

// explainFaults puts the handler in its place.
func explainFaults() error {
	var a sigaction
	if err := setAction(nil, &a); err != nil {
		return err
	}
	nextHandler, a.handler = a.handler, faultEntryAddress()
	return setAction(&a, nil)
}

// setAction changes and tells what SIGSEGV does.
func setAction(new, old *sigaction) error {
	_, _, e := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGSEGV),
		uintptr(unsafe.Pointer(new)), uintptr(unsafe.Pointer(old)), unsafe.Sizeof(sigaction{}.mask), 0, 0)
	if e != 0 {
		return os.NewSyscallError("rt_sigaction", e)
	}
	return nil
}
