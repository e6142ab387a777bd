package ledger

import "errors"

// Refusals. Those of package caps are used where they fit: ErrGone, ErrType, ErrExtent,
// ErrOverlap, ErrRights.
var (
	// ErrLife: the core has not entered the ledger in this life.
	ErrLife = errors.New("core has not entered the ledger; let it enter first")
	// ErrBusy: an operation on the same is under way.
	ErrBusy = errors.New("another operation on it is under way; try again")
	// ErrShared: it must be this core's alone for that.
	ErrShared = errors.New("others hold it, or something was cut from it; revoke it first, or drop it")
	// ErrMemory: the area has no such piece.
	ErrMemory = errors.New("no such piece of shared memory is free; give some back, or start with more (--shared-memory)")
	// ErrOp: no method of a Ledger made that operation.
	ErrOp = errors.New("operation is malformed: the cores run different versions")
)
