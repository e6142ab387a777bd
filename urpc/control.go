package urpc

import (
	"fmt"
	"sync/atomic"
)

// Control is what one end of one channel tells the other beside the lines. Its
// only writer is the end that owns it; after the owner was fenced, whoever
// fenced it (the VMM) may close it in the owner's place.
type Control struct {
	// state is 0 while the owner lives and closedWord(epoch) afterwards.
	// Stored after sent; pairs with checkState's load.
	state uint64
	// sent is the number of messages sent before the close. Senders only.
	sent uint64
	// ack is the number of lines consumed, and ackClosed once the receiver has
	// closed. Receivers only. Pairs with the load in Sender.look.
	ack uint64
	// index is how many lines of a bulk ring are there, and indexClosed once its
	// sender has closed. Bulk senders only. Pairs with the load in BulkReceiver.look.
	index uint64
	_     [4]uint64
}

// Acknowledged is the word on which a sender that waits for room sleeps.
func (c *Control) Acknowledged() *uint64 { return &c.ack }

// ackClosed marks in the ack word that the receiver wants no more; it is in that
// word so that a sender waiting for room needs to watch only one.
const ackClosed = 1 << 63

// closedMark is the low part of the state word of a closed end.
const closedMark = 0xC105ED

// closedWord is the state of an end that closed in the given epoch (shifted).
func closedWord(epoch uint64) uint64 { return epoch | closedMark }

// checkState judges the state word of a peer: nil while it is open, ErrClosed,
// or an error that wraps ErrCorrupt.
func checkState(peer *Control, epoch uint64) error {
	switch s := atomic.LoadUint64(&peer.state); {
	case s == 0:
		return nil
	case s == closedWord(epoch):
		return ErrClosed
	case s&^uint64(epochMask) == closedMark:
		return fmt.Errorf("state word %#x of the peer: %w", s, ErrEpoch)
	default:
		return fmt.Errorf("state word %#x of the peer: %w", s, ErrCorrupt)
	}
}
