// Package hostmem is memory of the VMM that cores see: private RAM, image text,
// the shared region. It is no Go memory: its address is stable and the collector
// does not know it.
package hostmem

import (
	"fmt"
	"unsafe"

	"barreleye/devices/layout"

	"golang.org/x/sys/unix"
)

// Memory is one such range.
type Memory struct {
	raw   []byte // as mapped
	fd    int    // -1 for private memory
	Bytes []byte // aligned to 2 MiB
	grown parts  // what there is beyond size
	size  uint64 // bytes that there are from the start
}

// Allocate maps size bytes of zeroes that only this process and its guests see.
func Allocate(size uint64) (*Memory, error) { return AllocateUpTo(size, size) }

// AllocateUpTo does that, and keeps the addresses behind for more, up to end bytes in
// all (Grow). What is not there reads as zeroes and cannot be written to; it takes no memory
// and no right to any.
func AllocateUpTo(size, end uint64) (*Memory, error) {
	m, err := reserve(end, unix.PROT_READ)
	if err == nil {
		m.size = size
		if err = unix.Mprotect(m.Bytes[:size], unix.PROT_READ|unix.PROT_WRITE); err != nil {
			m.Free()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("host memory: %d MiB: %w: use a smaller --memory or --max-memory, or fewer cores", end>>20, err)
	}
	return m, nil
}

// AllocateShared maps size bytes of zeroes that have a descriptor, by which other
// processes can map them too. name is shown in /proc/PID/maps.
func AllocateShared(name string, size uint64) (*Memory, error) {
	m, err := reserve(size, unix.PROT_NONE)
	if err != nil {
		return nil, fmt.Errorf("host memory: %d MiB: %w: use fewer cores", size>>20, err)
	}
	if err := m.back(name); err != nil {
		m.Free()
		return nil, fmt.Errorf("host memory: %s of %d MiB: %w: free some memory, or use fewer cores", name, size>>20, err)
	}
	return m, nil
}

// AllocateCopy is AllocateUpTo of private memory that begins as a copy of shared
// memory, page by page as it is written to, and goes on with zeroes.
func AllocateCopy(from *Memory, size, end uint64) (*Memory, error) {
	m, err := AllocateUpTo(size, end)
	if err != nil {
		return nil, err
	}
	_, _, e := unix.Syscall6(unix.SYS_MMAP, uintptr(unsafe.Pointer(&m.Bytes[0])), uintptr(len(from.Bytes)),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_NORESERVE|unix.MAP_FIXED, uintptr(from.fd), 0)
	if e != 0 {
		m.Free()
		return nil, fmt.Errorf("host memory: copy of %d MiB: %w: use a smaller --memory or fewer cores", size>>20, e)
	}
	return m, nil
}

// reserve maps size bytes of private memory, aligned to 2 MiB.
func reserve(size uint64, prot int) (*Memory, error) {
	raw, err := unix.Mmap(-1, 0, int(size)+layout.HugeSize, prot, unix.MAP_ANONYMOUS|unix.MAP_NORESERVE|unix.MAP_PRIVATE)
	if err != nil {
		return nil, err
	}
	skip := -uintptr(unsafe.Pointer(&raw[0])) & (layout.HugeSize - 1)
	return &Memory{raw: raw, fd: -1, Bytes: raw[skip : skip+uintptr(size)], size: size}, nil
}

// back puts memory with a descriptor in place of what was reserved.
func (m *Memory) back(name string) (err error) {
	if m.fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING); err != nil {
		return err
	}
	if err := unix.Ftruncate(m.fd, int64(len(m.Bytes))); err != nil {
		return err
	}
	// A process that has the descriptor could make it shorter, and everybody who uses
	// what lay behind would get SIGBUS.
	if _, err := unix.FcntlInt(uintptr(m.fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL); err != nil {
		return err
	}
	_, _, e := unix.Syscall6(unix.SYS_MMAP, uintptr(unsafe.Pointer(&m.Bytes[0])), uintptr(len(m.Bytes)),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_FIXED, uintptr(m.fd), 0)
	if e != 0 {
		return e
	}
	return nil
}

// Descriptor returns the descriptor of shared memory, -1 for private memory.
func (m *Memory) Descriptor() int { return m.fd }

// Address returns where the memory lies in the VMM.
func (m *Memory) Address() uint64 { return uint64(uintptr(unsafe.Pointer(&m.Bytes[0]))) }

// Free unmaps it. No guest may run on it any more.
func (m *Memory) Free() error {
	if m.fd >= 0 {
		unix.Close(m.fd)
		m.fd = -1
	}
	return unix.Munmap(m.raw)
}

// Advise passes advice about [from, to) to the kernel; failure costs speed only.
func (m *Memory) Advise(from, to uint64, advice int) {
	if from < to {
		_ = unix.Madvise(m.Bytes[from:to], advice)
	}
}

// discard puts nothing in place of [from, to) of private memory.
func (m *Memory) discard(from, to uint64) error {
	_, _, e := unix.Syscall6(unix.SYS_MMAP, uintptr(unsafe.Pointer(&m.Bytes[from])), uintptr(to-from), unix.PROT_READ,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE|unix.MAP_FIXED, ^uintptr(0), 0)
	if e != 0 {
		return e
	}
	return nil
}

// Punch makes a range of shared memory zero and gives it back to the host. Whoever
// maps it finds zeroes from then on.
func (m *Memory) Punch(offset, size uint64) error {
	return unix.Fallocate(m.fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, int64(offset), int64(size))
}

// ResidentKiB returns how much of the memory the host backs now, in KiB.
func (m *Memory) ResidentKiB() int {
	pages := m.Backed()
	if pages == nil {
		return -1
	}
	n := 0
	for _, backed := range pages {
		if backed {
			n++
		}
	}
	return n * layout.PageSize / 1024
}

// Backed says of each page below Top whether the host backs it now; nil where it does not
// tell.
func (m *Memory) Backed() []bool {
	top := m.Top()
	state := make([]byte, top/layout.PageSize)
	_, _, e := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&m.Bytes[0])), uintptr(top), uintptr(unsafe.Pointer(&state[0])))
	if e != 0 {
		return nil
	}
	pages := make([]bool, len(state))
	for i, s := range state {
		pages[i] = s&1 != 0
	}
	return pages
}

// View returns the structure at offset of the memory.
func View[T any](m *Memory, offset uint64) *T {
	return (*T)(unsafe.Pointer(&m.Bytes[offset]))
}
