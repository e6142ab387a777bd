package urpc

import (
	"context"
	"fmt"
	"sync/atomic"
)

// Broadcaster is the writing end of a ring that several cores read: a message is
// written once and every member takes it from the same line. A member reads by
// a Receiver of its own, on the common ring and with a control block that
// only it writes; so each word still has one writer. A line is written again
// only when all members that are left have acknowledged it. One goroutine at a
// time.
//
// A member that closes, dies or writes what it may not is left out from then on,
// and Left says why: it can lose its own messages only.
type Broadcaster struct {
	ring    []Line
	own     *Control
	next    uint64 // number of the next line
	limit   uint64 // first line that may not be written yet
	flushed uint64 // lines before this one need no wake-up any more
	epoch   uint64 // shifted to its place in a header
	members []listener
	slow    int // the member whose acknowledgement sets the limit
	link    Link
	closed  bool
}

// listener is what a Broadcaster knows of one member.
type listener struct {
	control *Control // written by the member
	bell    *Bell
	acked   uint64 // lines it has consumed, as far as known
	seen    uint64 // its ack word as loaded last
	left    error  // why it is left out; nil while it is in
}

// NewBroadcaster makes the sending end of ring for members with these control
// blocks. links has one link for each; Epoch, Sleeper and Polls are the first
// one's. ring and all blocks must be zero when an epoch begins, own is written by
// this end. It fails with ErrLayout.
func NewBroadcaster(ring []Line, own *Control, members []*Control, links []Link) (*Broadcaster, error) {
	if err := checkLines(len(ring)); err != nil {
		return nil, err
	}
	if own == nil || len(members) == 0 || len(links) != len(members) {
		return nil, fmt.Errorf("broadcast to %d control blocks by %d links: %w", len(members), len(links), ErrLayout)
	}
	link := links[0].withDefaults()
	b := &Broadcaster{ring: ring, own: own, link: link, epoch: link.epoch(), limit: uint64(len(ring)) - 1}
	for i, c := range members {
		if c == nil {
			return nil, fmt.Errorf("control block of member %d missing: %w", i, ErrLayout)
		}
		b.members = append(b.members, listener{control: c, bell: links[i].Bell})
	}
	return b, nil
}

// TrySend puts m into the ring for all members and wakes none: Flush does. It
// returns ErrFull when a member has not acknowledged all lines but the one for
// the close mark, ErrMessage, or ErrClosed after Close. It does not allocate
// but for the error of a member that it leaves out.
func (b *Broadcaster) TrySend(m *Message) error {
	switch {
	case b.closed:
		return ErrClosed
	case !wellFormed(m.Len, m.Type):
		return ErrMessage
	}
	if b.next == b.limit && !b.look() {
		return ErrFull
	}
	l := &b.ring[b.next&uint64(len(b.ring)-1)]
	putWords(l, m)
	noteSend(b.ring, b.next, 1)
	publish(&l.header, makeHeader(b.epoch, m.Len, m.Type, uint32(b.next)+1))
	b.next++
	return nil
}

// look reads the members' words, moves the limit, and reports whether there is
// room.
func (b *Broadcaster) look() (room bool) {
	low := b.next
	for i := range b.members {
		l := &b.members[i]
		if l.left == nil {
			l.left = l.look(b.next, b.epoch)
		}
		if l.left == nil && l.acked < low {
			low, b.slow = l.acked, i
		}
	}
	b.limit = low + uint64(len(b.ring)) - 1
	return b.next != b.limit
}

// look reads the member's words, of which it was sent lines up to next.
func (l *listener) look(next, epoch uint64) error {
	w := atomic.LoadUint64(&l.control.ack)
	l.seen = w
	n := w &^ ackClosed
	switch {
	case n < l.acked || n > next:
		return fmt.Errorf("acknowledgement %d, %d to %d possible: %w", n, l.acked, next, ErrCorrupt)
	case w&ackClosed != 0:
		return ErrClosed
	}
	l.acked = n
	return checkState(l.control, epoch)
}

// Flush wakes those members that sleep: one fence for all of them, and one load
// each. Call it once per batch. It does not allocate.
func (b *Broadcaster) Flush() {
	if b.flushed != b.next {
		b.flushed = b.next
		b.wake()
	}
}

func (b *Broadcaster) wake() {
	fence()
	for i := range b.members {
		if b.members[i].left == nil {
			b.members[i].bell.look()
		}
	}
}

// Send puts m into the ring and wakes the members. On a full ring it polls the
// slowest member's acknowledgement, and then parks on it. Errors are those of
// TrySend but ErrFull, and the context's.
func (b *Broadcaster) Send(ctx context.Context, m *Message) error {
	for {
		err := b.TrySend(m)
		if err == nil {
			b.Flush()
			return nil
		}
		if err != ErrFull {
			return err
		}
		if err := b.waitRoom(ctx); err != nil {
			return err
		}
	}
}

// waitRoom returns when the slowest member's acknowledgement has changed, or for
// no reason. A member's death changes that word too (BuryListener).
func (b *Broadcaster) waitRoom(ctx context.Context) error {
	b.Flush() // who shall make room must be awake
	l := &b.members[b.slow]
	for range b.link.Polls {
		if atomic.LoadUint64(&l.control.ack) != l.seen {
			return nil
		}
		pause(1)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p := Parking{b.link.Sleeper, &l.control.ack, l.seen}
	return p.Sleep(ctx)
}

// Left returns why member i, in the order of NewBroadcaster, is left out:
// ErrClosed, an error that wraps ErrCorrupt, or nil while it is in. Words of the
// members are read when the ring is full, so it may come late.
func (b *Broadcaster) Left(i int) error { return b.members[i].left }

// LeaveOut leaves member i out, of which the caller knows that it is gone.
func (b *Broadcaster) LeaveOut(i int) {
	if b.members[i].left == nil {
		b.members[i].left = ErrClosed
		b.limit = b.next // look again: it may have been the slowest
	}
}

// Close tells the members that nothing follows. Each gets every message sent
// before, and then ErrClosed.
func (b *Broadcaster) Close() {
	if b.closed {
		return
	}
	b.closed = true
	endRing(b.ring, b.own, b.next, b.epoch)
	b.wake()
}
