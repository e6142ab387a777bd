// Package store is the map behind one shard: small values under keys of a fixed
// size. Neither holds a pointer, so that a request allocates nothing once its key
// is there and the collector has nothing to look at.
package store

import (
	"encoding/binary"
	"math/bits"
)

const (
	KeySize  = 16 // bytes of a key
	MaxValue = 32 // bytes of the longest value
)

// Key is a key, padded with zeroes.
type Key [KeySize]byte

// Value is a value; what lies behind its length is zero.
type Value struct {
	Data [MaxValue]byte
	Len  uint8
}

// Op is what a request asks for.
type Op uint8

// The operations.
const (
	Get Op = iota + 1
	Put
	Delete
)

func (o Op) String() string {
	switch o {
	case Get:
		return "get"
	case Put:
		return "put"
	case Delete:
		return "delete"
	}
	return "no operation"
}

// Status is how a request went.
type Status uint8

// The outcomes: of Get Found or Missing, of Put Stored, of Delete Deleted or
// Missing.
const (
	Found Status = iota + 1
	Missing
	Stored
	Deleted
)

func (s Status) String() string {
	switch s {
	case Found:
		return "found"
	case Missing:
		return "missing"
	case Stored:
		return "stored"
	case Deleted:
		return "deleted"
	}
	return "no status"
}

// Request is one operation; Value counts for Put alone.
type Request struct {
	Op    Op
	Key   Key
	Value Value
}

// Answer is its outcome; Value counts for Found alone and is zero otherwise.
type Answer struct {
	Status Status
	Value  Value
}

// Store is the map. One goroutine at a time uses it, or several that only Get.
type Store struct{ values map[Key]Value }

// New returns an empty store.
func New() *Store { return &Store{values: map[Key]Value{}} }

// Apply serves a request, whose Op is one of the three.
func (s *Store) Apply(r *Request) Answer {
	switch r.Op {
	case Put:
		s.values[r.Key] = r.Value
		return Answer{Status: Stored}
	case Delete:
		if _, ok := s.values[r.Key]; !ok {
			return Answer{Status: Missing}
		}
		delete(s.values, r.Key)
		return Answer{Status: Deleted}
	}
	if v, ok := s.values[r.Key]; ok {
		return Answer{Status: Found, Value: v}
	}
	return Answer{Status: Missing}
}

// Keys returns how many keys have a value.
func (s *Store) Keys() int { return len(s.values) }

// Shard says which of n parts holds the key. All who use a store agree on it, so
// it depends on nothing but the key.
func Shard(k *Key, n int) int {
	a, b := binary.LittleEndian.Uint64(k[:8]), binary.LittleEndian.Uint64(k[8:])
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xd1342543de82ef95)
	hi, _ = bits.Mul64((hi^lo)*0xbf58476d1ce4e5b9, uint64(n))
	return int(hi)
}
