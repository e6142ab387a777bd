// Package limit is what the memory system allows two cores, in assembly: the
// message patterns of package urpc with nothing around them. Benchmarks compare
// with it, between two threads or between two guests.
//
// Every function busy-waits with one PAUSE per poll and ends only when its
// counterpart on another core has done the same number n of messages. They
// touch memory and the stack they are called with, and nothing else: no system
// call, no allocation, no preemption (so a garbage collection waits for them).
// They trust the other side; never point one at a peer that may be hostile.
//
// A message is seven payload words and then the header, plain MOVs; the reader
// loads all seven. Lines are 64 bytes, 64-byte aligned. first is the number of
// the first message, from 1; a header is the number of its message, so that runs
// on the same memory continue where the last one ended.
package limit

// Line is one cache line: payload, then header.
type Line struct {
	Words  [7]uint64
	Header uint64
}

// SameLineCall does n calls over one line and returns the sum of the first
// payload words of the answers. Message first+i has header 2*(first+i)-1 as a
// request and 2*(first+i) as an answer, and these in its payload too.
//
//go:noescape
func SameLineCall(line *Line, first, n uint64) (sum uint64)

// SameLineServe answers n calls; counterpart of SameLineCall.
//
//go:noescape
func SameLineServe(line *Line, first, n uint64) (sum uint64)

// TwoLineCall does n round trips, requests in mine and answers in theirs, and
// returns the sum of the first payload words of the answers.
//
//go:noescape
func TwoLineCall(mine, theirs *Line, first, n uint64) (sum uint64)

// TwoLineServe answers n round trips; counterpart of TwoLineCall.
//
//go:noescape
func TwoLineServe(mine, theirs *Line, first, n uint64) (sum uint64)

// StreamWrite writes n messages into the ring of lines (a power of two), polling
// *ack, the number of messages read so far, when the ring is full. The ring
// must start zeroed.
//
//go:noescape
func StreamWrite(ring *Line, lines uint64, ack *uint64, first, n uint64)

// StreamRead reads n messages, one poll per line, stores *ack every eighth of
// the ring, and returns the sum of all payload words.
//
//go:noescape
func StreamRead(ring *Line, lines uint64, ack *uint64, first, n uint64) (sum uint64)

// Cycles reads the time-stamp counter, in ticks of the TSC, after all earlier
// instructions of this core (RDTSCP).
func Cycles() uint64

// VectorWrite writes n messages into the ring of lines (a power of two) by vector
// stores of that width in bytes (16, 32 or 64, which the CPU must have; urpc's
// VectorBytes). A message is its number in all eight words. The number of messages
// written is stored in *index every 256 of them (a quarter of a smaller ring); it
// polls *ack, the number read so far, when the ring is full.
//
//go:noescape
func VectorWrite(ring *Line, lines uint64, index, ack *uint64, first, n uint64, width int)

// VectorRead reads n messages by vector loads of that width, fetching lines ahead
// of their turn, polls *index when it has read all it knows of, stores *ack every
// eighth of the ring, and returns the sum of all words.
//
//go:noescape
func VectorRead(ring *Line, lines uint64, index, ack *uint64, first, n uint64, width int) (sum uint64)
