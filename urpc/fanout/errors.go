package fanout

import (
	"errors"
	"fmt"
	"strings"
)

// Mistakes of the caller; nothing was sent.
var (
	// ErrTree: the given tree is none.
	ErrTree = errors.New("unusable tree")
	// ErrMembers: a group must have members, each of them once.
	ErrMembers = errors.New("unusable list of members")
	// ErrWindow: Window operations are in flight, or none is to be finished.
	ErrWindow = errors.New("fanout: Start and Finish out of turn")
	// ErrPayload: a message has more than MaxPayload bytes.
	ErrPayload = errors.New("fanout: message above 48 bytes")
)

// ErrEnded: the asking core has closed its group, or is gone.
var ErrEnded = errors.New("fanout: nobody asks any more")

// LostError says that an operation did end, but without these cores: they died,
// closed their channels or violated the protocol. No later operation waits for
// them or names them again.
type LostError struct {
	Cores []int // ascending
	Err   error // why, where this core saw it itself
}

// Error names the cores.
func (e *LostError) Error() string {
	names := make([]string, len(e.Cores))
	for i, c := range e.Cores {
		names[i] = fmt.Sprint(c)
	}
	cause := "lost below another core"
	if e.Err != nil {
		cause = e.Err.Error()
	}
	return fmt.Sprintf("fanout: lost core %s: %s: the answer is that of the others", strings.Join(names, ", "), cause)
}

// Unwrap returns the cause.
func (e *LostError) Unwrap() error { return e.Err }
