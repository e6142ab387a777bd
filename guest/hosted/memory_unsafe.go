package hosted

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"unsafe"

	"barreleye/devices/boot"
	"barreleye/devices/inherit"
	"barreleye/devices/layout"
	"barreleye/devices/region"
)

const (
	fixedNoReplace = 0x100000 // MAP_FIXED_NOREPLACE, include/uapi/asm-generic/mman-common.h
	setName        = 15       // PR_SET_NAME, include/uapi/linux/prctl.h
)

// mapMemory maps the boot page and the shared region and closes the descriptors
// that are not needed any more. The region's stays: shared memory is mapped by it.
func (c *Core) mapMemory() error {
	page, err := mmap(0, layout.PageSize, syscall.PROT_READ, syscall.MAP_SHARED, inherit.Boot)
	if err != nil {
		return fmt.Errorf("hosted core: boot page: %w: start the image with 'barreleye run'", err)
	}
	c.page = *(**boot.Page)(unsafe.Pointer(&page))
	if c.page.Magic != boot.Magic || c.page.ABI != layout.ABI {
		return fmt.Errorf("hosted core: boot page of ABI %d, the image has %d: rebuild the image with this VMM's version", c.page.ABI, layout.ABI)
	}
	size := uintptr(c.page.RegionSize)
	at, err := mmap(layout.RegionVA, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED|fixedNoReplace, inherit.Region)
	if err == nil && at != layout.RegionVA {
		err = syscall.EEXIST // an old kernel took the address as a hint
	}
	if err != nil {
		return fmt.Errorf("hosted core: shared region of %d MiB at %#x: %w: another mapping is in its way; run it again, or on KVM", size>>20, uint64(layout.RegionVA), err)
	}
	c.view = region.Open(layout.RegionVA)
	if err := c.guard(); err != nil {
		return err
	}
	for _, fd := range []int{inherit.Image, inherit.Boot} {
		syscall.Close(fd)
	}
	syscall.CloseOnExec(inherit.Region)
	c.nameProcess()
	return nil
}

// nameProcess gives the process a name that tells it in ps and top: "hello/1".
// Linux would show the number of the descriptor it was started from.
func (c *Core) nameProcess() {
	program := filepath.Base(os.Args[0])
	name := fmt.Appendf(nil, "%.12s/%d\x00", program, c.page.Core)
	// A process without a name still works.
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, setName, uintptr(unsafe.Pointer(&name[0])), 0)
}

func mmap(at, size uintptr, prot, flags, fd int) (uintptr, error) {
	a, _, e := syscall.Syscall6(syscall.SYS_MMAP, at, size, uintptr(prot), uintptr(flags), uintptr(fd), 0)
	if e != 0 {
		return 0, e
	}
	return a, nil
}

const mapFixed = 0x10 // MAP_FIXED, include/uapi/asm-generic/mman-common.h

// mapAt maps memory in place of what is at an address.
func mapAt(at, size uintptr, prot, flags, fd int, offset int64) error {
	_, _, e := syscall.Syscall6(syscall.SYS_MMAP, at, size, uintptr(prot), uintptr(flags|mapFixed), uintptr(fd), uintptr(offset))
	if e != 0 {
		return os.NewSyscallError("mmap", e)
	}
	return nil
}
