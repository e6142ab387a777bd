package urpc

import (
	"fmt"
	"sync/atomic"
)

// BulkReceiver is the reading end of a bulk ring. One goroutine at a time.
type BulkReceiver struct {
	ring []Block
	have uint64 // lines before this one are there
	giver

	peer     *Control
	epoch    uint64      // shifted to its place in an index
	seen     uint64      // index as loaded last
	err      error       // sticky; have == next while set
	pair     *BulkSender // flushed before parking; set by NewBulk
	recorder *recorder   // where latencies go; nil: nowhere
}

// NewBulkReceiver makes the receiving end of ring. own is written by this end,
// peer by the sender; ring and both blocks must be zero when an epoch begins. It
// fails with ErrLayout.
func NewBulkReceiver(ring []Line, own, peer *Control, link Link) (*BulkReceiver, error) {
	if err := checkBulk(ring, own, peer); err != nil {
		return nil, err
	}
	r := &BulkReceiver{ring: blocksOf(ring), peer: peer, epoch: link.epoch()}
	r.begin(len(ring), own, link)
	return r, nil
}

// RecvBatch copies as many lines as there are and fit into blocks and returns
// their number. The error is nil if there was at least one or blocks is empty,
// otherwise as for Peek. It does not allocate.
func (r *BulkReceiver) RecvBatch(blocks []Block) (taken int, err error) {
	for taken < len(blocks) {
		lines, err := r.Peek()
		if err != nil {
			if taken > 0 {
				return taken, nil // the error comes again
			}
			return 0, err
		}
		there := uint64(len(lines))
		lines = lines[:min(len(lines), len(blocks)-taken)]
		loadBlocks(blocks[taken:], lines, there)
		r.Release(len(lines))
		taken += len(lines)
	}
	return taken, nil
}

// Peek returns lines that have arrived, in order, for the program to read in place;
// Release gives the first of them back, and until then they stay. There is at
// least one; fewer than there are where the ring ends. A hostile sender may change
// a line while it is looked at: copy what is judged before it is used. Peek
// returns ErrEmpty when there is none, ErrClosed when the sender has closed and
// every line sent before was released, and an error that wraps ErrCorrupt, or
// ErrEpoch, when the sender's index is impossible. It does not allocate.
func (r *BulkReceiver) Peek() ([]Block, error) {
	if r.next == r.have {
		if err := r.look(); err != nil {
			return nil, err
		}
	}
	i := r.next & uint64(len(r.ring)-1)
	return r.ring[i:min(i+r.have-r.next, uint64(len(r.ring)))], nil
}

// Release gives back the first n lines that Peek returned last. After an error of
// this end it does nothing; it panics if n is more than there are. It does not
// allocate.
func (r *BulkReceiver) Release(n int) {
	if r.err != nil {
		return
	}
	if uint64(n) > r.have-r.next {
		panic("urpc: Release of more lines than Peek returned")
	}
	r.next += uint64(n)
	r.counts.Messages = r.next
	if r.next >= r.ackAt {
		r.giveBack(len(r.ring))
	}
}

// look reads the sender's index, once, and judges it. Where there is nothing new
// it returns ErrEmpty; every other error is sticky.
func (r *BulkReceiver) look() error {
	if r.err != nil {
		return r.err
	}
	if r.seen&indexClosed != 0 {
		return r.fail(ErrClosed) // nothing comes after that index
	}
	w := atomic.LoadUint64(&r.peer.index)
	if w == r.seen {
		r.counts.Polls++
		return ErrEmpty
	}
	n := w & indexCount
	switch {
	case w&epochMask != r.epoch:
		return r.fail(fmt.Errorf("index %#x, epoch %d expected: %w", w, r.link.Epoch, ErrEpoch))
	case n < r.have || n-r.acked > uint64(len(r.ring)) || n == r.have && w&indexClosed == 0:
		return r.fail(fmt.Errorf("index %#x, more than %d lines and at most %d possible: %w",
			w, r.have, r.acked+uint64(len(r.ring)), ErrCorrupt))
	}
	r.recorder.indexSeen(w, r.have, n)
	r.seen = w
	if n > r.have {
		noteRecv(r.ring, r.have, n-r.have)
	}
	r.have = n
	if r.next == n {
		return r.fail(ErrClosed)
	}
	return nil
}

// fail makes err the answer of every later call.
func (r *BulkReceiver) fail(err error) error {
	r.err = err
	r.have = r.next
	return err
}

// Ack gives all lines taken so far back to the sender and wakes its core if it
// sleeps, as it may for want of room. RecvBatch and Release give back every
// eighth of the ring and wake every half; Recv and Wait do both before they park.
// It does not allocate.
func (r *BulkReceiver) Ack() { r.ack() }

// Close tells the sender that nothing will be taken any more; it gets ErrClosed,
// also if it waits for room. Later calls on this end return ErrClosed.
func (r *BulkReceiver) Close() {
	if r.closed {
		return
	}
	r.closed = true
	r.fail(ErrClosed)
	publish(&r.own.ack, r.next|ackClosed)
	r.link.Bell.Wake()
}
