package urpc

import (
	"fmt"
	"sync/atomic"
)

// BulkSender is the writing end of a bulk ring. One goroutine at a time. Lines
// that were written are seen by the receiver once their number is published:
// every 256 lines (a quarter of a smaller ring), when the ring is full, and by
// Flush.
type BulkSender struct {
	ring   []Block
	next   uint64      // number of the next line
	limit  uint64      // first line that may not be written yet
	tellAt uint64      // publish the index when next gets here
	counts *SendCounts // where next is told to others, and more; stats.go

	own, peer *Control
	epoch     uint64 // shifted to its place in an index
	every     uint64 // lines between indices published
	told      uint64 // lines in the index published last
	acked     uint64 // lines the receiver has consumed, as far as known
	seen      uint64 // ack word as loaded last
	flushed   uint64 // lines before this one need no wake-up any more
	err       error  // sticky; limit == next while set
	closed    bool
	link      Link
	private   SendCounts // what counts points to where nobody asked
	sampler   *bulkSampler
}

// NewBulkSender makes the sending end of ring. own is written by this end, peer
// by the receiver; ring and both blocks must be zero when an epoch begins. It
// fails with ErrLayout.
func NewBulkSender(ring []Line, own, peer *Control, link Link) (*BulkSender, error) {
	if err := checkBulk(ring, own, peer); err != nil {
		return nil, err
	}
	link = link.withDefaults()
	every := min(uint64(len(ring))/4, maxUntold)
	s := &BulkSender{
		ring: blocksOf(ring), own: own, peer: peer, link: link,
		epoch: link.epoch(), limit: uint64(len(ring)), every: every, tellAt: every,
	}
	s.counts = &s.private
	return s, nil
}

// SendBatch copies as many blocks into the ring as there is room for and returns
// their number. It wakes nobody, and publishes as its type says: Flush does the
// rest. The error is nil if all are sent, otherwise as for Reserve. It does not
// allocate.
func (s *BulkSender) SendBatch(blocks []Block) (sent int, err error) {
	for sent < len(blocks) {
		lines, err := s.Reserve(len(blocks) - sent)
		if err != nil {
			return sent, err
		}
		i := s.next & uint64(len(s.ring)-1)
		storeBlocks(lines, blocks[sent:], min(s.limit-s.next, uint64(len(s.ring))-i))
		s.Commit(len(lines))
		sent += len(lines)
	}
	return sent, nil
}

// Reserve returns free lines of the ring, in order, for the program to write in
// place; Commit sends the first of them. There is at least one and at most n (n
// above 0); fewer than there is room for where the ring ends, or at the next index.
// What they hold is an earlier lap's. Without room it publishes what was written
// and returns ErrFull; otherwise ErrClosed, or an error that wraps ErrCorrupt if the
// receiver's words are impossible. A closed receiver is noticed at a Flush or on
// a full ring, not at every call. It does not allocate.
func (s *BulkSender) Reserve(n int) ([]Block, error) {
	if s.next == s.limit {
		if err := s.look(); err != nil {
			if err == ErrFull {
				s.counts.Stalls++
				noteStall(s.ring, s.next)
			}
			return nil, err
		}
	}
	i := s.next & uint64(len(s.ring)-1)
	room := min(s.limit, s.tellAt) - s.next
	return s.ring[i:min(i+min(room, uint64(n)), uint64(len(s.ring)))], nil
}

// Commit sends the first n lines that Reserve returned last. After an error of
// this end it does nothing; it panics if there is no room for n lines. It does
// not allocate.
func (s *BulkSender) Commit(n int) {
	if s.err != nil {
		return
	}
	if uint64(n) > s.limit-s.next {
		panic("urpc: Commit of more lines than Reserve returned")
	}
	s.next += uint64(n)
	s.counts.Messages = s.next
	if s.next >= s.tellAt {
		s.tell()
	}
}

// tell publishes the index.
func (s *BulkSender) tell() {
	if s.told == s.next {
		return
	}
	lines := s.next - s.told
	noteSend(s.ring, s.told, lines)
	s.told = s.next
	s.tellAt = s.next + s.every
	publish(&s.own.index, s.epoch|s.sampler.stamp(s.next, lines)|s.next)
}

// look publishes all lines, reads the receiver's word and moves the limit.
// Without room it returns ErrFull; every other error is sticky.
func (s *BulkSender) look() error {
	if s.err != nil {
		return s.err
	}
	s.tell()
	w := atomic.LoadUint64(&s.peer.ack)
	s.seen = w
	n := w &^ ackClosed
	switch {
	case n < s.acked || n > s.told:
		return s.fail(fmt.Errorf("acknowledgement %d, %d to %d possible: %w", n, s.acked, s.told, ErrCorrupt))
	case w&ackClosed != 0:
		return s.fail(ErrClosed)
	}
	s.acked = n
	s.limit = n + uint64(len(s.ring))
	if s.next == s.limit {
		return ErrFull
	}
	return nil
}

// fail makes err the answer of every later call.
func (s *BulkSender) fail(err error) error {
	s.err = err
	s.limit = s.next
	return err
}

// Flush publishes what was committed and wakes the receiver's core if it sleeps:
// one store, one fence and one load, nothing if nothing was committed since the
// last Flush. Call it before doing anything else for long. It does not allocate.
func (s *BulkSender) Flush() {
	if s.flushed == s.next || s.closed {
		return
	}
	s.tell()
	s.flushed = s.next
	s.counts.Batches++
	if s.link.Bell.Wake() {
		s.counts.Wakes++
		s.sampler.soon(s.next)
	}
	if s.err == nil && atomic.LoadUint64(&s.peer.ack) != s.seen {
		s.look() // its error, if any, is what the next Reserve returns
	}
}

// Close tells the receiver that nothing follows. It gets everything committed
// before, and then ErrClosed. Later calls on this end return ErrClosed.
func (s *BulkSender) Close() {
	if s.closed {
		return
	}
	s.closed = true
	s.fail(ErrClosed)
	publish(&s.own.index, s.epoch|indexClosed|s.sampler.odd()|s.next)
	s.link.Bell.Wake()
}
