package image

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"barreleye/devices/layout"
)

const (
	wordSize = 8

	// maxCritical bounds the driver's critical text. The interrupt stubs test
	// for it by address, so a range that swallows the program is a mistake.
	maxCritical = 64 << 10

	exceptionStubs = 32
)

// tableMagic is how the two magic words look in memory.
var tableMagic = binary.LittleEndian.AppendUint64(
	binary.LittleEndian.AppendUint64(nil, layout.ImageMagic0), layout.ImageMagic1)

// findTable finds and checks the image table in the segments that are not
// executable. It needs no symbols, so stripped images work.
func findTable(im *Image) ([layout.TableWords]uint64, error) {
	var table [layout.TableWords]uint64
	var found uint64
	for i := range im.Segments {
		s := &im.Segments[i]
		if s.Perm&PermX != 0 {
			continue
		}
		for off := nextMagic(s.Data, 0); off >= 0; off = nextMagic(s.Data, off+wordSize) {
			va := s.VA + uint64(off)
			if found != 0 {
				return table, refuse(ErrTable, fmt.Sprintf("%#x", va), fmt.Sprintf("a second table, the first is at %#x", found), nextDriver)
			}
			found = va
			if err := readTable(&table, s.Data[off:]); err != nil {
				return table, refuseAt(err, va)
			}
		}
	}
	if found == 0 {
		return table, refuse(ErrNoTable, "image table", "no data segment holds its magic words", "import barreleye/guest")
	}
	if err := checkTable(im, &table); err != nil {
		return table, refuseAt(err, found)
	}
	return table, nil
}

// nextMagic returns the offset of the first pair of magic words at or after
// from that is 8-byte aligned, or -1. Segments are page-aligned, so the
// alignment of the offset is that of the address.
func nextMagic(data []byte, from int) int {
	for from < len(data) {
		i := bytes.Index(data[from:], tableMagic)
		if i < 0 {
			return -1
		}
		if from += i; from%wordSize == 0 {
			return from
		}
		from++
	}
	return -1
}

// tableError is a fault of the table before its address is added.
type tableError struct {
	kind  error
	cause string
}

func (e *tableError) Error() string { return e.cause }

func refuseAt(e *tableError, va uint64) error {
	return refuse(e.kind, fmt.Sprintf("image table at %#x", va), e.cause, nextDriver)
}

// readTable decodes the table at the start of data. The ABI version comes
// first: tables of other versions may have other lengths.
func readTable(t *[layout.TableWords]uint64, data []byte) *tableError {
	for i := range t {
		if len(data) < (i+1)*wordSize {
			return &tableError{ErrTable, fmt.Sprintf("cut off after %d of %d words", i, len(t))}
		}
		t[i] = binary.LittleEndian.Uint64(data[i*wordSize:])
		if i == layout.TableABI && t[i] != layout.ABI {
			return &tableError{ErrABI, fmt.Sprintf("image has version %d, this VMM %d", t[i], layout.ABI)}
		}
	}
	return nil
}

// checkTable refuses entry points outside the executable contents.
func checkTable(im *Image, t *[layout.TableWords]uint64) *tableError {
	for i := layout.TableSyscall; i < layout.TableWords; i++ {
		va, n := t[i], uint64(1)
		switch i {
		case layout.TableState, layout.TableStateEnd:
			continue // no code; machine maps what lies in a writable segment
		case layout.TableVectors:
			n = exceptionStubs * layout.VectorStride
		case layout.TableCriticalEnd:
			va-- // one past the last byte
		}
		if !im.executable(va, n) {
			return &tableError{ErrTable, fmt.Sprintf("word %d: %#x is not in an executable segment", i, t[i])}
		}
	}
	first, leave, end := t[layout.TableCritical], t[layout.TableLeave], t[layout.TableCriticalEnd]
	if first > leave || leave >= end || end-first >= maxCritical {
		return &tableError{ErrTable, fmt.Sprintf("critical text %#x, exit window %#x, end %#x: want ascending and less than %d bytes", first, leave, end, maxCritical)}
	}
	return nil
}
