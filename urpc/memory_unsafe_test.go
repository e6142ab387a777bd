package urpc

import (
	"syscall"
	"testing"
	"unsafe"

	"barreleye/urpc/limit"
)

// guarded maps size bytes (whole pages) between two pages that fault, so that an
// access outside ends the test with a signal.
func guarded(tb testing.TB, size int) []byte {
	tb.Helper()
	size = (size + pageSize - 1) &^ (pageSize - 1)
	mem, err := syscall.Mmap(-1, 0, size+2*pageSize, syscall.PROT_NONE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { syscall.Munmap(mem) })
	inner := mem[pageSize : pageSize+size : pageSize+size]
	if err := syscall.Mprotect(inner, syscall.PROT_READ|syscall.PROT_WRITE); err != nil {
		tb.Fatal(err)
	}
	return inner
}

// wordsOf views memory as words, for tests that write what no end would.
func wordsOf(mem []byte) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(mem))), len(mem)/8)
}

// addressOf is the address of mem as a number.
func addressOf(mem []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(mem))) }

// limitLines views memory as lines of package limit.
func limitLines(mem []byte) []limit.Line {
	return unsafe.Slice((*limit.Line)(unsafe.Pointer(unsafe.SliceData(mem))), len(mem)/LineSize)
}

// setAffinity confines the calling thread to the CPUs in mask.
func setAffinity(mask *[16]uint64) error {
	_, _, e := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, unsafe.Sizeof(*mask), uintptr(unsafe.Pointer(mask)))
	if e != 0 {
		return e
	}
	return nil
}

// affinity reads the CPUs of the calling thread into mask.
func affinity(mask *[16]uint64) error {
	_, _, e := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, 0, unsafe.Sizeof(*mask), uintptr(unsafe.Pointer(mask)))
	if e != 0 {
		return e
	}
	return nil
}

// newMemfd makes an anonymous file of size bytes that another process can map.
func newMemfd(size int) (int, error) {
	name := [...]byte{'u', 'r', 'p', 'c', 0}
	const sysMemfdCreate = 319 // linux/amd64
	fd, _, e := syscall.Syscall(sysMemfdCreate, uintptr(unsafe.Pointer(&name)), 0, 0)
	if e != 0 {
		return -1, e
	}
	return int(fd), syscall.Ftruncate(int(fd), int64(size))
}

// wordAt is the word at an offset of mem in bytes.
func wordAt(mem []byte, offset int) *uint64 { return (*uint64)(unsafe.Pointer(&mem[offset])) }
