package urpc

import (
	"unsafe"

	"barreleye/urpc/trace"
)

// What an end notes of itself (package trace). Where nothing is noted, each is one
// load and a branch. The name of a ring is its address, which is the same in all cores.

// noteSend is called before count lines from number first on are published, so
// that no receive is older.
func noteSend[T Line | Block](ring []T, first, count uint64) {
	if trace.On(trace.Send) {
		note(trace.Send, unsafe.Pointer(unsafe.SliceData(ring)), first, count)
	}
}

func noteRecv[T Line | Block](ring []T, first, count uint64) {
	if trace.On(trace.Recv) {
		note(trace.Recv, unsafe.Pointer(unsafe.SliceData(ring)), first, count)
	}
}

// note is apart from these so that they are compiled into who calls them.
func note(k trace.Kind, ring unsafe.Pointer, first, count uint64) {
	trace.Event(k, uint64(uintptr(ring))|count<<48, first)
}

func noteStall[T Line | Block](ring []T, next uint64) {
	note(trace.Stall, unsafe.Pointer(unsafe.SliceData(ring)), next, 0)
}

// notePark is called before a goroutine sleeps on a word, noteUnpark after.
func notePark(word *uint64, old uint64) {
	trace.Event(trace.Park, uint64(uintptr(unsafe.Pointer(word))), old)
}

func noteUnpark(word *uint64) {
	trace.Event(trace.Unpark, uint64(uintptr(unsafe.Pointer(word))), 0)
}

// noteWrite and noteRead are noteSend and noteRecv for the line of calls.
func (e *callEnd) noteWrite(seq uint32) {
	trace.Event(trace.Send, uint64(uintptr(unsafe.Pointer(e.line)))|1<<48, uint64(seq))
}

func (e *callEnd) noteRead(seq uint32) {
	trace.Event(trace.Recv, uint64(uintptr(unsafe.Pointer(e.line)))|1<<48, uint64(seq))
}

// notePark and noteUnpark are those of words, for all that a Select waits for.
func (s *Select) notePark() {
	trace.Event(trace.Park, uint64(uintptr(unsafe.Pointer(s))), uint64(s.left))
}

func (s *Select) noteUnpark() { trace.Event(trace.Unpark, uint64(uintptr(unsafe.Pointer(s))), 0) }
