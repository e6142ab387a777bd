// Package logring is the log device: one ring of records per core, by which
// stdout, stderr and the driver's own lines reach the VMM without a VM exit,
// in order and without loss. The core is the only writer of records and head,
// the VMM the only writer of tail. A full ring blocks the writing thread.
//
// A record is a 16-byte header and its text, padded to 8 bytes; it may wrap.
package logring

import (
	"encoding/binary"
	"errors"
	"sync/atomic"
)

// Size is the ring's length in bytes, a power of two.
const Size = 64 << 10

// HeaderSize is the length of a record's header in bytes: text length (u32),
// stream (u8), 3 bytes of zero, TSC (u64).
const HeaderSize = 16

// MaxText is the longest text of one record in bytes. Longer writes become
// several records.
const MaxText = 4 << 10

// Streams of a record.
const (
	Merged = 0 // stdout and stderr in their order, not told apart (hosted platform)
	Stdout = 1
	Stderr = 2
	Driver = 3 // a line of the CPU driver itself
)

// Head is the core's word: bytes ever written. Tail is the VMM's word: bytes
// ever drained. Each lies on a page of its writer.
type (
	Head struct{ n atomic.Uint64 }
	Tail struct{ n atomic.Uint64 }
)

// Load returns the count of bytes drained so far.
func (t *Tail) Load() uint64 { return t.n.Load() }

// Reset has the count begin anew, as the head does with a core's next life. Nobody
// drains the ring meanwhile.
func (t *Tail) Reset() { t.n.Store(0) }

// Ring is one core's log ring: Data is written by the core only.
type Ring struct {
	Head *Head
	Tail *Tail
	Data *[Size]byte
}

// Append writes text as one record of the stream if there is room for all of
// it and reports whether there was. It is called on the driver's stack: no
// allocation, no locks.
func (r *Ring) Append(stream byte, tsc uint64, text []byte) bool {
	if len(text) > MaxText {
		return false
	}
	head := r.Head.n.Load()
	need := recordSize(len(text))
	if head-r.Tail.n.Load()+need > Size {
		return false
	}
	var h [HeaderSize]byte
	binary.LittleEndian.PutUint32(h[:], uint32(len(text)))
	h[4] = stream
	binary.LittleEndian.PutUint64(h[8:], tsc)
	r.put(head, h[:])
	r.put(head+HeaderSize, text)
	r.Head.n.Store(head + need)
	return true
}

func recordSize(n int) uint64 { return HeaderSize + (uint64(n)+7)&^7 }

func (r *Ring) put(pos uint64, b []byte) {
	n := copy(r.Data[pos%Size:], b)
	copy(r.Data[:], b[n:])
}

func (r *Ring) get(pos uint64, b []byte) {
	n := copy(b, r.Data[pos%Size:])
	copy(b[n:], r.Data[:])
}

// Record is one drained record. Text is valid until the next call of Next.
type Record struct {
	Stream byte
	TSC    uint64
	Text   []byte
}

// ErrCorrupt says that a ring holds what no driver writes; what the ring held
// is skipped.
var ErrCorrupt = errors.New("log ring: corrupt record")

// Reader drains one ring on the VMM's side.
type Reader struct {
	ring Ring
	tail uint64
	buf  [MaxText]byte
}

// NewReader starts to drain ring where its tail stands.
func NewReader(ring Ring) *Reader {
	return &Reader{ring: ring, tail: ring.Tail.n.Load()}
}

// Next returns the next record and true, or false when the ring is empty. It
// checks every word, because a broken guest may have written it.
func (r *Reader) Next() (rec Record, ok bool, err error) {
	head := r.ring.Head.n.Load()
	if head == r.tail {
		return rec, false, nil
	}
	if head-r.tail > Size || head-r.tail < HeaderSize {
		return rec, false, r.skip(head)
	}
	var h [HeaderSize]byte
	r.ring.get(r.tail, h[:])
	n := binary.LittleEndian.Uint32(h[:])
	if n > MaxText || recordSize(int(n)) > head-r.tail {
		return rec, false, r.skip(head)
	}
	text := r.buf[:n]
	r.ring.get(r.tail+HeaderSize, text)
	r.tail += recordSize(int(n))
	return Record{Stream: h[4], TSC: binary.LittleEndian.Uint64(h[8:]), Text: text}, true, nil
}

// Release publishes what was drained, so that the core may reuse it.
func (r *Reader) Release() { r.ring.Tail.n.Store(r.tail) }

func (r *Reader) skip(head uint64) error {
	r.tail = head
	r.Release()
	return ErrCorrupt
}
