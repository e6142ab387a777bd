package pages

import "errors"

// Answers of a pool that is in order. They are returned bare.
var (
	// ErrEmpty: nothing has been handed over, or granted.
	ErrEmpty = errors.New("pages: nothing has come")
	// ErrNone: no run of that length is free now; wait (Take) or take less.
	ErrNone = errors.New("pages: no such run of free pages")
)

// Mistakes of the caller; nothing was changed.
var (
	// ErrSize: a length that no run of this pool has, or below zero.
	ErrSize = errors.New("pages: length that no run has")
	// ErrGone: these pages were handed over, granted or released before.
	ErrGone = errors.New("pages: used after they were handed over or released")
	// ErrPool: these pages are not of this pool, or granted ones that only go
	// back to the core that granted them.
	ErrPool = errors.New("pages: pages of another pool")
	// ErrConfig: memory or cores that no pool can be made of.
	ErrConfig = errors.New("pages: unusable pool")
)

// A pool ends with its channel: urpc.ErrClosed after the peer closed or died, and
// an error that wraps urpc.ErrCorrupt where it broke the protocol.
