package urpc

import (
	"context"
	"sync/atomic"
)

// Blocking forms. Each waits on exactly one shared word, and hands the Sleeper
// the very value that it judged, so that a change between judging and parking
// ends the sleep at once.

// Send puts m into the ring and wakes the receiver. On a full ring it polls, and
// then parks until the receiver gives lines back. Errors are those of TrySend but
// ErrFull, and the context's.
func (s *Sender) Send(ctx context.Context, m *Message) error {
	for {
		err := s.TrySend(m)
		if err == nil {
			s.Flush()
			return nil
		}
		if err != ErrFull {
			return err
		}
		if err := s.waitRoom(ctx); err != nil {
			return err
		}
	}
}

// waitRoom returns when the acknowledgement has changed, or for no reason.
func (s *Sender) waitRoom(ctx context.Context) error {
	s.Flush() // who shall make room must be awake
	if s.next != s.room || s.err != nil {
		return nil // Flush has looked, so s.seen is no longer a full ring's
	}
	for range s.link.Polls {
		if atomic.LoadUint64(&s.peer.ack) != s.seen {
			return nil
		}
		pause(1)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.counts.Parks++
	p := Parking{s.link.Sleeper, &s.peer.ack, s.seen}
	return p.Sleep(ctx)
}

// recvPauses is the number of PAUSEs between two polls of a ring. Polling less
// often lets the sender have the line to itself while it writes.
const recvPauses = 1

// Recv takes the next message. On an empty ring it polls, then gives its lines
// back, flushes the sender that it is paired with, and parks. Errors are those of
// TryRecv but ErrEmpty, and the context's.
func (r *Receiver) Recv(ctx context.Context, m *Message) error {
	for {
		for i := 0; i <= r.link.Polls; i++ {
			if err := r.TryRecv(m); err != ErrEmpty {
				return err
			}
			if i == flushPolls {
				r.flushPair()
			}
			pause(recvPauses)
		}
		r.Ack()
		r.flushPair()
		if err := r.TryRecv(m); err != ErrEmpty {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		r.counts.Parks++
		l := &r.ring[r.next&uint64(len(r.ring)-1)]
		p := Parking{r.link.Sleeper, &l.header, r.seen}
		if err := p.Sleep(ctx); err != nil {
			return err
		}
	}
}

// flushPair wakes the peer for what this end sent before it began to wait.
func (r *Receiver) flushPair() {
	if r.pair != nil {
		r.pair.Flush()
	}
}
