package urpc

import (
	"fmt"
	"sync/atomic"
)

// Sender is the writing end of a ring. One goroutine at a time.
type Sender struct {
	ring   []Line
	next   uint64      // number of the next line
	limit  uint64      // room, or sampleAt if that comes first
	epoch  uint64      // shifted to its place in a header
	counts *SendCounts // where next is told to others, and more; stats.go

	own, peer *Control
	acked     uint64 // lines the receiver has consumed, as far as known
	seen      uint64 // ack word as loaded last
	flushed   uint64 // lines before this one need no wake-up any more
	err       error  // sticky; room == next while set
	closed    bool
	link      Link
	room      uint64 // first line that may not be written yet
	sampleAt  uint64 // line to stamp next, never without a sampler
	sampler   *sampler
	private   SendCounts // what counts points to where nobody asked
	_         [8]byte    // layout_unsafe.go
}

// NewSender makes the sending end of ring. own is written by this end, peer by
// the receiver; ring and both blocks must be zero when an epoch begins. It fails
// with ErrLayout.
func NewSender(ring []Line, own, peer *Control, link Link) (*Sender, error) {
	if err := checkLines(len(ring)); err != nil {
		return nil, err
	}
	if own == nil || peer == nil {
		return nil, fmt.Errorf("control block missing: %w", ErrLayout)
	}
	link = link.withDefaults()
	s := &Sender{
		ring: ring, own: own, peer: peer, link: link,
		epoch: link.epoch(), room: uint64(len(ring)) - 1,
	}
	s.sample(never)
	s.counts = &s.private
	return s, nil
}

// TrySend puts m into the ring and wakes nobody: Flush does. It returns ErrFull
// when all lines but the one for the close mark are unacknowledged, ErrMessage
// for a message no line can hold, ErrClosed, or an error that wraps ErrCorrupt
// if the receiver's words are impossible. A closed receiver is noticed at a
// Flush or on a full ring, not at every call. It does not allocate.
func (s *Sender) TrySend(m *Message) error {
	if !wellFormed(m.Len, m.Type) {
		return ErrMessage
	}
	n := s.next
	if n == s.limit {
		if sent, err := s.atLimit(m); sent || err != nil {
			return err
		}
	}
	l := &s.ring[n&uint64(len(s.ring)-1)]
	putWords(l, m)
	noteSend(s.ring, n, 1)
	publish(&l.header, makeHeader(s.epoch, m.Len, m.Type, uint32(n)+1))
	s.next = n + 1
	s.counts.Messages = n + 1
	return nil
}

// look reads the receiver's words and moves room and limit. Without room it returns
// ErrFull; every other error is sticky.
func (s *Sender) look() error {
	if s.err != nil {
		return s.err
	}
	w := atomic.LoadUint64(&s.peer.ack)
	s.seen = w
	n := w &^ ackClosed
	switch {
	case n < s.acked || n > s.next:
		return s.fail(fmt.Errorf("acknowledgement %d, %d to %d possible: %w", n, s.acked, s.next, ErrCorrupt))
	case w&ackClosed != 0:
		return s.fail(ErrClosed)
	}
	if err := checkState(s.peer, s.epoch); err != nil {
		return s.fail(err)
	}
	s.acked = n
	s.room = n + uint64(len(s.ring)) - 1
	s.limit = min(s.room, s.sampleAt)
	if s.next == s.room {
		return ErrFull
	}
	return nil
}

// fail makes err the answer of every later call.
func (s *Sender) fail(err error) error {
	s.err = err
	s.room, s.limit = s.next, s.next
	return err
}

// Flush wakes the receiver's core if it sleeps and something was sent since the
// last Flush: one fence and one load otherwise, nothing if nothing was sent. Call
// it once per batch, and before doing anything else for long. It does not
// allocate.
func (s *Sender) Flush() {
	if s.flushed == s.next {
		return
	}
	s.flushed = s.next
	s.counts.Batches++
	if s.link.Bell.Wake() {
		s.counts.Wakes++
		if s.sampler != nil {
			s.sampler.extra = s.sampler.extra || s.next != s.sampleAt
			s.sample(s.next) // messages are rare; how rare, the next one tells
		}
	}
	if s.err == nil && atomic.LoadUint64(&s.peer.ack) != s.seen {
		s.look() // its error, if any, is what the next TrySend returns
	}
}

// Close tells the receiver that nothing follows. It gets every message sent
// before, and then ErrClosed. Later calls on this end return ErrClosed.
func (s *Sender) Close() {
	if s.closed {
		return
	}
	s.closed = true
	endRing(s.ring, s.own, s.next, s.epoch)
	s.fail(ErrClosed)
	s.link.Bell.Wake()
}
