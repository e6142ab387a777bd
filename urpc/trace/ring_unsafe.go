package trace

import (
	"fmt"
	"unsafe"
)

// The layout that writers, readers and the assembly agree on.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(Record{})-RecordSize]
	_ = [1]struct{}{}[unsafe.Offsetof(Record{}.TSC)-0]
	_ = [1]struct{}{}[unsafe.Offsetof(Record{}.A)-8]
	_ = [1]struct{}{}[unsafe.Offsetof(Record{}.B)-16]
	_ = [1]struct{}{}[unsafe.Offsetof(Record{}.meta)-24]
	_ = [1]struct{}{}[RecordSize-1<<recordShift]
	_ = [1]struct{}{}[unsafe.Sizeof(Names{})-HeadSize]
)

// RingBytes is the size in bytes of a ring of that many records.
func RingBytes(records int) int { return HeadSize + records*RecordSize }

// RingAt views memory mapped at addr, outside the Go heap, as a ring of a power of
// two of records. It checks nothing.
func RingAt(addr uintptr, records int) Ring {
	p := *(*unsafe.Pointer)(unsafe.Pointer(&addr))
	return Ring{
		head:    (*uint64)(p),
		records: unsafe.Slice((*Record)(unsafe.Add(p, HeadSize)), records),
	}
}

// NewRing makes a ring in the Go heap, of a power of two of records.
func NewRing(records int) (Ring, error) {
	if records < 2 || records&(records-1) != 0 {
		return Ring{}, fmt.Errorf("trace: ring of %d records: use a power of two", records)
	}
	words := make([]uint64, RingBytes(records)/8)
	p := unsafe.Pointer(unsafe.SliceData(words))
	return Ring{head: &words[0], records: unsafe.Slice((*Record)(unsafe.Add(p, HeadSize)), records)}, nil
}

func (r Ring) address() uintptr { return uintptr(unsafe.Pointer(r.head)) }
