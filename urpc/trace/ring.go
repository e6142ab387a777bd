package trace

import (
	"math/bits"
	"sync/atomic"
)

// Record is one event. Its only writer is the ring's core.
type Record struct {
	TSC  uint64
	A, B uint64
	meta uint64 // kind, check, number; pairs with the load in Reader
}

// Layout of a ring and of a record's last word.
const (
	RecordSize = 32 // bytes
	HeadSize   = 4096

	recordShift = 5
	headSize    = HeadSize
	checkShift  = 8
	checkBits   = 24
	numberShift = 32
	first       = 1                  // so that memory never written is not record 0
	multiplier  = 0x9e3779b97f4a7c15 // 2^64 by the golden ratio: spreads bits upwards
	rotateA     = 21
	rotateB     = 42
)

// Kind returns what happened.
func (r Record) Kind() Kind { return Kind(r.meta) }

// check computes what the record's check should be as record number n.
func (r Record) check(n uint64) uint64 {
	sum := (r.TSC + n + first) ^ bits.RotateLeft64(r.A, rotateA) ^ bits.RotateLeft64(r.B, rotateB)
	return (sum + r.meta&0xff) * multiplier >> (64 - checkBits)
}

// is reports whether the record is whole and number n.
func (r Record) is(n uint64) bool {
	return r.meta>>numberShift == n&(1<<(64-numberShift)-1) &&
		r.meta>>checkShift&(1<<checkBits-1) == r.check(n)
}

// Ring is a core's trace: a page whose first word counts the records that were
// ever begun, and behind it a power of two of records.
type Ring struct {
	head    *uint64
	records []Record
}

// Records returns how many records the ring holds.
func (r Ring) Records() int { return len(r.records) }

// Begun returns how many records were begun.
func (r Ring) Begun() uint64 { return atomic.LoadUint64(r.head) }

// load reads the record in a slot as it is at this moment, its last word twice.
func (r Ring) load(n uint64) (rec Record, steady bool) {
	s := &r.records[n&uint64(len(r.records)-1)]
	rec.meta = atomic.LoadUint64(&s.meta)
	rec.TSC = atomic.LoadUint64(&s.TSC)
	rec.A = atomic.LoadUint64(&s.A)
	rec.B = atomic.LoadUint64(&s.B)
	return rec, atomic.LoadUint64(&s.meta) == rec.meta
}
