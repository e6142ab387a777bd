package urpc

import (
	"fmt"
	"unsafe"
)

// Views of raw shared memory. They keep no reference for the garbage collector
// when made from an address: the mapping must outlive every end made on it.

// RingBytes is the size in bytes of a ring of that many lines.
func RingBytes(lines int) int { return lines * LineSize }

// MemoryAt views size bytes mapped at addr. It is for memory outside the Go heap
// (the shared region, a mapped memfd); it checks only that addr is not nil and a
// multiple of 64. It fails with ErrLayout.
func MemoryAt(addr uintptr, size int) ([]byte, error) {
	if addr == 0 || addr%LineSize != 0 || size < 0 {
		return nil, fmt.Errorf("%d bytes at %#x: %w", size, addr, ErrLayout)
	}
	// go vet cannot know that addr is no Go pointer; this form says so.
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&addr))), size), nil
}

// LinesOf views the first bytes of mem as a ring. It fails with ErrLayout if mem
// is not 64-byte aligned or too small, or if lines is not a power of two from
// MinLines to MaxLines.
func LinesOf(mem []byte, lines int) ([]Line, error) {
	if err := checkLines(lines); err != nil {
		return nil, err
	}
	p, err := aligned(mem, RingBytes(lines))
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*Line)(p), lines), nil
}

// blocksOf views a ring as one of the bulk profile.
func blocksOf(ring []Line) []Block {
	return unsafe.Slice((*Block)(unsafe.Pointer(unsafe.SliceData(ring))), len(ring))
}

// LineOf views the first 64 bytes of mem as one line, for calls. It fails with
// ErrLayout if mem is not 64-byte aligned or too small.
func LineOf(mem []byte) (*Line, error) {
	p, err := aligned(mem, LineSize)
	return (*Line)(p), err
}

// ControlOf views the first 64 bytes of mem as a control block. It fails with
// ErrLayout if mem is not 64-byte aligned or too small.
func ControlOf(mem []byte) (*Control, error) {
	p, err := aligned(mem, LineSize)
	return (*Control)(p), err
}

// StatsOf views the first bytes of mem as statistics. It fails with ErrLayout if
// mem is not 64-byte aligned or too small; a page is enough.
func StatsOf(mem []byte) (*Stats, error) {
	p, err := aligned(mem, int(unsafe.Sizeof(Stats{})))
	return (*Stats)(p), err
}

// aligned is the address of mem if it holds size bytes at a multiple of 64.
func aligned(mem []byte, size int) (unsafe.Pointer, error) {
	p := unsafe.Pointer(unsafe.SliceData(mem))
	if len(mem) < size || uintptr(p)%LineSize != 0 {
		return nil, fmt.Errorf("%d bytes at %p, %d bytes at a multiple of 64 needed: %w", len(mem), p, size, ErrLayout)
	}
	return p, nil
}
