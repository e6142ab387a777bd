package machine

import (
	"fmt"
	"unsafe"

	"barreleye/devices/layout"
	"golang.org/x/sys/unix"
)

// HostMemory is memory of the VMM that guests see. It is no Go memory: its
// address is stable and the collector does not know it.
type HostMemory struct {
	raw   []byte // as mapped
	Bytes []byte // aligned to 2 MiB
}

// Allocate maps size bytes of zeroes, aligned to 2 MiB. Shared memory stays
// visible to processes that inherit it.
func Allocate(size uint64, shared bool) (*HostMemory, error) {
	flags := unix.MAP_ANONYMOUS | unix.MAP_NORESERVE
	if shared {
		flags |= unix.MAP_SHARED
	} else {
		flags |= unix.MAP_PRIVATE
	}
	raw, err := unix.Mmap(-1, 0, int(size)+layout.HugeSize, unix.PROT_READ|unix.PROT_WRITE, flags)
	if err != nil {
		return nil, fmt.Errorf("host memory: %d MiB: %w: use a smaller --memory or fewer cores", size>>20, err)
	}
	skip := -uintptr(unsafe.Pointer(&raw[0])) & (layout.HugeSize - 1)
	return &HostMemory{raw: raw, Bytes: raw[skip : skip+uintptr(size)]}, nil
}

// Address returns where the memory lies in the VMM.
func (m *HostMemory) Address() uint64 { return uint64(uintptr(unsafe.Pointer(&m.Bytes[0]))) }

// Free unmaps it. No guest may run on it any more.
func (m *HostMemory) Free() error { return unix.Munmap(m.raw) }

// advise passes advice about [from, to) to the kernel; failure costs speed only.
func (m *HostMemory) advise(from, to uint64, advice int) {
	if from < to {
		_ = unix.Madvise(m.Bytes[from:to], advice)
	}
}

// ResidentKiB returns how much of the memory the host backs now, in KiB.
func (m *HostMemory) ResidentKiB() int {
	pages := make([]byte, len(m.Bytes)/layout.PageSize)
	_, _, e := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&m.Bytes[0])), uintptr(len(m.Bytes)), uintptr(unsafe.Pointer(&pages[0])))
	if e != 0 {
		return -1
	}
	n := 0
	for _, p := range pages {
		n += int(p & 1)
	}
	return n * layout.PageSize / 1024
}

// view returns the structure at offset of the memory.
func view[T any](m *HostMemory, offset uint64) *T {
	return (*T)(unsafe.Pointer(&m.Bytes[offset]))
}
