package urpc

import (
	"fmt"
	"sync/atomic"
)

// Receiver is the reading end of a ring. One goroutine at a time.
type Receiver struct {
	ring  []Line
	epoch uint64 // shifted to its place in a header
	giver

	peer     *Control
	seen     uint64    // header that was judged empty last
	err      error     // sticky
	pair     *Sender   // flushed before parking; set by NewConn
	recorder *recorder // where latencies go; nil: nowhere
	_        [8]byte   // layout_unsafe.go
}

// NewReceiver makes the receiving end of ring. own is written by this end, peer
// by the sender; ring and both blocks must be zero when an epoch begins. It fails
// with ErrLayout.
func NewReceiver(ring []Line, own, peer *Control, link Link) (*Receiver, error) {
	if err := checkLines(len(ring)); err != nil {
		return nil, err
	}
	if own == nil || peer == nil {
		return nil, fmt.Errorf("control block missing: %w", ErrLayout)
	}
	r := &Receiver{ring: ring, peer: peer, epoch: link.epoch()}
	r.begin(len(ring), own, link)
	return r, nil
}

// TryRecv takes the next message. It returns ErrEmpty when there is none,
// ErrClosed when the sender has closed and every message sent before was taken,
// and an error that wraps ErrCorrupt, or ErrEpoch, when the sender's words are
// impossible; m is then untouched. It does not allocate.
func (r *Receiver) TryRecv(m *Message) error {
	if r.err != nil {
		return r.err
	}
	n := r.next
	l := &r.ring[n&uint64(len(r.ring)-1)]
	h := atomic.LoadUint64(&l.header)
	want := r.epoch | uint64(uint32(n)+1)
	if (h^want)&(seqMask|epochMask) != 0 || !wellFormed(headerLength(h), headerType(h)) {
		if r.takeStamped(m, l, h) {
			return nil
		}
		return r.judge(l, h)
	}
	if n&7 == 0 {
		r.readAhead(n + ahead)
	}
	noteRecv(r.ring, n, 1)
	getWords(m, l)
	m.Type, m.Len = headerType(h), headerLength(h)
	r.next = n + 1
	r.counts.Messages = n + 1
	if r.next == r.ackAt {
		r.giveBack(len(r.ring))
	}
	return nil
}

// ahead is how many lines before their turn a stream's lines are fetched. A line
// takes 60 ns to come from the other core's cache, and a core that waits for each
// in turn keeps only the few in flight that fit its reorder buffer.
const ahead = 16

// readAhead fetches the eight lines from number n, a multiple of 8, on.
func (r *Receiver) readAhead(n uint64) {
	if len(r.ring) > ahead {
		prefetch(&r.ring[n&uint64(len(r.ring)-1)])
	}
}

// judge says what header h, which announces no message, means: nothing new, the
// end, or a broken peer.
func (r *Receiver) judge(l *Line, h uint64) error {
	want := uint32(r.next) + 1
	if !r.isEmpty(h) {
		switch {
		case h&epochMask != r.epoch:
			return r.fail(fmt.Errorf("line %d: header %#x, epoch %d expected: %w", r.next, h, r.link.Epoch, ErrEpoch))
		case h == makeHeader(r.epoch, 0, typeClose, want):
			return r.fail(ErrClosed)
		}
		return r.fail(fmt.Errorf("line %d: header %#x, sequence %d expected: %w", r.next, h, want, ErrCorrupt))
	}
	r.seen = h
	err := checkState(r.peer, r.epoch)
	if err == nil {
		r.counts.Polls++
		return ErrEmpty
	}
	if err != ErrClosed {
		return r.fail(err)
	}
	// Lines were stored before the state word: what was sent is there now.
	sent := atomic.LoadUint64(&r.peer.sent)
	switch {
	case sent == r.next:
		return r.fail(ErrClosed)
	case sent > r.next && atomic.LoadUint64(&l.header) != h:
		return ErrEmpty // it came between our two loads; the next call takes it
	}
	return r.fail(fmt.Errorf("closed after %d messages, %d received: %w", sent, r.next, ErrCorrupt))
}

// ready reports whether TryRecv would return something else than ErrEmpty; if not,
// seen is the header to wait for a change of.
func (r *Receiver) ready() bool {
	if r.err != nil {
		return true
	}
	l := &r.ring[r.next&uint64(len(r.ring)-1)]
	h := atomic.LoadUint64(&l.header)
	want := r.epoch | uint64(uint32(r.next)+1)
	if (h^want)&(seqMask|epochMask) == 0 && isMessage(h) {
		return true
	}
	return r.judge(l, h) != ErrEmpty
}

// isEmpty reports whether h is what a line holds before its turn: zero in the
// first lap, a message of the lap before in every other.
func (r *Receiver) isEmpty(h uint64) bool {
	lap := uint64(len(r.ring))
	if r.next < lap {
		return h == 0
	}
	return uint32(h) == uint32(r.next-lap)+1 && h&epochMask == r.epoch && isMessage(h)
}

// More reports whether the end has not said that it is closed, or broken. It may be called
// while another goroutine receives.
func (r *Receiver) More() bool { return r.err == nil }

// fail makes err the answer of every later call.
func (r *Receiver) fail(err error) error {
	r.err = err
	return err
}

// Ack gives all lines taken so far back to the sender and wakes its core if it
// sleeps, as it may for want of room. TryRecv gives back every eighth of the ring
// and wakes every half; Recv does both before it parks. It does not allocate.
func (r *Receiver) Ack() { r.ack() }

// Close tells the sender that nothing will be taken any more; it gets ErrClosed,
// also if it waits for room. Later calls on this end return ErrClosed.
func (r *Receiver) Close() {
	if r.closed {
		return
	}
	r.closed = true
	r.fail(ErrClosed)
	publish(&r.own.state, closedWord(r.epoch))
	publish(&r.own.ack, r.next|ackClosed)
	r.link.Bell.Wake()
}
