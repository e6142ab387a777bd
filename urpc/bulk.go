package urpc

import "fmt"

// The bulk profile: a ring of whole 64-byte lines without headers. What tells the
// receiver of new lines is one word, the index in the sender's control block,
// published once for many lines. It suits streams of much data; a message of one
// line is told sooner by a Sender.

// Block is one line of a bulk ring: 64 bytes, all of them the program's. Byte i
// is bits 8*(i%8) of word i/8.
type Block [8]uint64

// An index is, from bit 0: number of lines written 54, odd 1 (bulk_sample.go), closed 1, epoch 8. Zero,
// which memory is at first, is an index of no lines.
const (
	indexClosed = 1 << 55
	indexCount  = indexOdd - 1
)

// maxUntold is how many lines a sender writes before it publishes its index by
// itself, on rings of four times as many lines or more. A receiver under load
// lags that far behind, and neither takes a line away from the other.
const maxUntold = 256

// Bulk is one end of a duplex channel of this profile, used as a Conn is: by one
// goroutine at a time.
type Bulk struct {
	*BulkSender
	*BulkReceiver
}

// NewBulk makes the end that writes own and reads peer. It fails with ErrLayout.
func NewBulk(own, peer Side, link Link) (*Bulk, error) {
	s, err := NewBulkSender(own.Ring, own.Tx, peer.Rx, link)
	if err != nil {
		return nil, err
	}
	r, err := NewBulkReceiver(peer.Ring, own.Rx, peer.Tx, link)
	if err != nil {
		return nil, err
	}
	r.pair = s
	if own.Stats != nil {
		s.counts, r.counts = &own.Stats.Send, &own.Stats.Recv
	}
	if link.Latency && own.Stats != nil && peer.Stats != nil {
		s.sampler = &bulkSampler{sampler: *newSampler(own.Stats, peer.Stats)}
		r.recorder = &recorder{stats: own.Stats, stamps: &peer.Stats.Stamps}
	}
	return &Bulk{BulkSender: s, BulkReceiver: r}, nil
}

// Close closes both directions. The peer gets everything committed before.
func (b *Bulk) Close() {
	b.BulkSender.Close()
	b.BulkReceiver.Close()
}

// checkBulk fails with ErrLayout unless an end can be made of these.
func checkBulk(ring []Line, own, peer *Control) error {
	if own == nil || peer == nil {
		return fmt.Errorf("control block missing: %w", ErrLayout)
	}
	return checkLines(len(ring))
}
