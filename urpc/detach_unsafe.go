package urpc

import (
	"sync/atomic"
	"unsafe"
)

// store turns a pointer that the end's owner loads without more ado: on amd64 both
// loads and stores of a word are whole.
func store[T any](at **T, to *T) {
	atomic.StorePointer((*unsafe.Pointer)(unsafe.Pointer(at)), unsafe.Pointer(to))
}

// turn makes a slice one of other memory; its length stays, so that the first of its
// words is all that changes.
func turn[T any](at *[]T, to []T) {
	store((**T)(unsafe.Pointer(at)), &to[:len(*at)][0])
}
