package caps

import "errors"

// Refusals. Nothing has changed where one is returned.
var (
	// ErrGone: the capability was deleted, or revoked by somebody above it.
	ErrGone = errors.New("capability is gone; ask whoever gave it for another")
	// ErrType: the type cannot be had from this one.
	ErrType = errors.New("type not allowed; docs/reference/caps.md has the table")
	// ErrExtent: address, size or number is not one that the type may have.
	ErrExtent = errors.New("extent not allowed")
	// ErrOverlap: part of it is in use by another object.
	ErrOverlap = errors.New("in use already; delete or revoke what lies there first")
	// ErrRights: the capability does not allow that.
	ErrRights = errors.New("right missing")
	// ErrFull: the CNode has no free slot.
	ErrFull = errors.New("CNode is full; retype a larger one")
	// ErrInside: the CNode holds what it would have to outlive.
	ErrInside = errors.New("capability would be in what it is about to delete; move it first")
)
