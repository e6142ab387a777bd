package urpc

import (
	"errors"
	"fmt"
)

// Answers of an end that is in order. They are returned bare, so that a polling
// loop may compare with ==.
var (
	// ErrEmpty: no message (or no answer) has arrived yet; poll again or wait.
	ErrEmpty = errors.New("urpc: empty")
	// ErrFull: every line is unacknowledged; flush and wait for the receiver.
	ErrFull = errors.New("urpc: ring full")
	// ErrBusy: a call is still outstanding on this line, or no call awaits a reply.
	ErrBusy = errors.New("urpc: call out of turn")
	// ErrClosed: this end or its peer has closed. A receiver says so only after
	// every message sent before the close.
	ErrClosed = errors.New("urpc: closed")
)

// Mistakes of the caller; nothing was sent.
var (
	// ErrMessage: Len is above MaxPayload, or Type is TypeReserved or above.
	ErrMessage = errors.New("urpc: message length above 56 bytes or reserved type")
	// ErrLayout: memory is misaligned, too small, or not a power of two of lines.
	ErrLayout = errors.New("urpc: unusable memory layout")
)

// Violations by the peer. They are sticky: the end never recovers, because what
// the shared words mean is no longer known. Close it and bind a new channel.
var (
	// ErrCorrupt: a shared word holds what no correct peer writes there.
	ErrCorrupt = errors.New("urpc: peer violated the protocol; close the channel and bind a new one")
	// ErrEpoch: a shared word comes from another life of the channel (a peer
	// restarted, or the memory was not zeroed). errors.Is(ErrEpoch, ErrCorrupt).
	ErrEpoch = fmt.Errorf("%w (another epoch)", ErrCorrupt)
)
