// Package example is what stubgen writes for a service, and how it is used.
package example

import (
	"context"
	"time"

	"barreleye/urpc/rpc"
)

//go:generate go run barreleye/urpc/stubgen -type Store

// ErrNotFound crosses by its code.
var ErrNotFound = &rpc.Error{Code: rpc.CodeProgram, Text: "not found"}

// Key names a value.
type Key [16]byte

// Kind has a type of its own, based on a number.
type Kind uint8

// Entry has all that may cross.
type Entry struct {
	Key      Key
	Kind     Kind
	Name     string
	Data     []byte
	Tags     []string
	Weights  [3]float64
	Lifetime time.Duration
	History  []Version
	Inner    struct {
		Valid bool
		Small int8
		Ratio float32
	}
}

// Version is one of an Entry's.
type Version struct {
	Number int
	Parts  [][]uint16
}

// Store is the interface that both sides share.
//
//urpc:service 16
type Store interface {
	// Add is small: a line there, a line back, no allocation.
	Add(ctx context.Context, key Key, n int64) (sum int64, isNew bool, err error)
	Put(ctx context.Context, e Entry) error
	Get(ctx context.Context, key Key) (Entry, error)
	// Watch waits, so it must not hold up the others.
	//
	//urpc:concurrent
	Watch(ctx context.Context, key Key, than int64) (int64, error)
	Swap(ctx context.Context, i0 []Key, _ []bool, err float32, s uint) ([]bool, []Key, uint, error)
}
