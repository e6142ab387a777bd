// Package input is the standard input of core 0: the core asks, the VMM
// answers with a piece of its own standard input. Nothing is read before the
// core wants it, so that a program that reads nothing leaves the VMM's input
// to others, and one that reads a line from a terminal takes no more than that.
//
// One piece is under way at a time. The core stores the next request number
// and rings the VMM; the VMM fills Data, stores the piece's length and then
// the request's number, and wakes the core. The core leaves Data alone until
// then, the VMM from then on.
package input

import "sync/atomic"

// Size is the longest piece in bytes.
const Size = 64 << 10

// Request is the core's word: how many pieces it has asked for.
type Request struct{ n atomic.Uint64 }

// Answer holds the VMM's words: the number of the last request answered, and
// how long that piece is. A piece of no bytes is the end of the input.
type Answer struct{ n, length atomic.Uint64 }

// Buffer is all of it. Data is written by the VMM only.
type Buffer struct {
	Request *Request
	Answer  *Answer
	Data    *[Size]byte
}

// Reset forgets the last answer, for a core that counts its requests anew. The VMM
// calls it while the core does not run.
func (b Buffer) Reset() {
	b.Answer.n.Store(0)
	b.Answer.length.Store(0)
}

// Wanted returns the number of the request that waits for an answer, 0 for
// none. The VMM calls it.
func (b Buffer) Wanted() uint64 {
	if n := b.Request.n.Load(); n != b.Answer.n.Load() {
		return n
	}
	return 0
}

// Put answers the request with a piece of at most Size bytes; an empty one is
// the end of the input. The VMM calls it once for a request.
func (b Buffer) Put(request uint64, piece []byte) {
	b.Answer.length.Store(uint64(copy(b.Data[:], piece)))
	b.Answer.n.Store(request)
}

// Reader is the core's side. Only the core's driver uses it: no pointers, no
// allocation. The zero Reader has asked for nothing.
type Reader struct {
	asked uint64 // requests made
	taken uint64 // bytes taken of the last answer
	ended bool
}

// Read copies to p what has arrived and returns how much. Where nothing has,
// ended says whether nothing will any more; if not, and ask is true, there is
// a new request, which the VMM has to be told of.
func (r *Reader) Read(b Buffer, p []byte) (n int, ended, ask bool) {
	if r.ended {
		return 0, true, false
	}
	if r.asked != 0 {
		if b.Answer.n.Load() != r.asked {
			return 0, false, false
		}
		length := min(b.Answer.length.Load(), Size)
		if length == 0 {
			r.ended = true
			return 0, true, false
		}
		if r.taken < length {
			n = copy(p, b.Data[r.taken:length])
			r.taken += uint64(n)
			return n, false, false
		}
	}
	r.asked = b.Request.n.Load() + 1 // also in a core's second life
	r.taken = 0
	b.Request.n.Store(r.asked)
	return 0, false, true
}

// Arrived reports whether the request that was made last has its answer.
func (r *Reader) Arrived(b Buffer) bool { return b.Answer.n.Load() == r.asked }
