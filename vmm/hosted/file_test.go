package hosted

import (
	"bytes"
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFileSealed: nobody writes, maps for writing, or resizes an image that is in memory.
func TestFileSealed(t *testing.T) {
	elf := bytes.Repeat([]byte("image "), 10_000)
	f, err := NewFile("sealed", elf)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := unix.Pwrite(f.fd, []byte("other"), 0); !errors.Is(err, unix.EPERM) {
		t.Errorf("write: %v, want %v", err, unix.EPERM)
	}
	if _, err := unix.Mmap(f.fd, 0, len(elf), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); !errors.Is(err, unix.EPERM) {
		t.Errorf("map for writing: %v, want %v", err, unix.EPERM)
	}
	for _, size := range []int64{0, int64(len(elf)) + 4096} {
		if err := unix.Ftruncate(f.fd, size); !errors.Is(err, unix.EPERM) {
			t.Errorf("resize to %d: %v, want %v", size, err, unix.EPERM)
		}
	}
	m, err := unix.Mmap(f.fd, 0, len(elf), unix.PROT_READ|unix.PROT_EXEC, unix.MAP_SHARED)
	if err != nil {
		t.Fatalf("map: %v", err)
	}
	defer unix.Munmap(m)
	if !bytes.Equal(m, elf) {
		t.Error("the image is not what it was")
	}
	if _, err := unix.FcntlInt(uintptr(f.fd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE); !errors.Is(err, unix.EPERM) {
		t.Errorf("another seal: %v, want %v", err, unix.EPERM)
	}
}
