package frames

import "unsafe"

// bytesAt returns memory that is none of Go's.
func bytesAt(addr, size uint64) []byte {
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&addr)), size)
}
