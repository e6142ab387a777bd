package hosted

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// File is an image's ELF file in memory, which every core's process maps.
type File struct{ fd int }

// NewFile puts the ELF file of an image into memory.
func NewFile(name string, elf []byte) (*File, error) {
	// From Linux 6.3 on one has to ask for memory that may be executed; older
	// kernels do not know the flag.
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|unix.MFD_EXEC)
	if err == unix.EINVAL {
		fd, err = unix.MemfdCreate(name, flags)
	}
	if err != nil {
		return nil, fmt.Errorf("hosted: image in memory: %w: allow it (sysctl vm.memfd_noexec=0), or raise ulimit -n", err)
	}
	for at := 0; at < len(elf); {
		n, err := unix.Pwrite(fd, elf[at:], int64(at))
		if err != nil {
			unix.Close(fd)
			return nil, fmt.Errorf("hosted: image in memory: %w: free some memory", err)
		}
		at += n
	}
	// No core may change what the next one runs. F_SEAL_WRITE would fail with EBUSY now and then,
	// where the kernel itself (reclaim, compaction) holds a page at that moment; it is stricter
	// only where somebody has mapped the file for writing before.
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_FUTURE_WRITE|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("hosted: image in memory: %w: report it", err)
	}
	return &File{fd}, nil
}

// Close gives the file back. Processes that run it keep it.
func (f *File) Close() error { return unix.Close(f.fd) }
