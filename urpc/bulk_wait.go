package urpc

import (
	"context"
	"sync/atomic"
)

// Blocking forms of the bulk ends. As in wait.go each waits on exactly one shared
// word, the index or the ack word, with the very value that was judged.

// Send puts all blocks into the ring, publishes them and wakes the receiver. On a
// full ring it polls, and then parks until the receiver gives lines back. Errors
// are those of Reserve but ErrFull, and the context's; some blocks may be sent then.
func (s *BulkSender) Send(ctx context.Context, blocks []Block) error {
	for {
		n, err := s.SendBatch(blocks)
		if err == nil {
			s.Flush()
			return nil
		}
		if err != ErrFull {
			return err
		}
		blocks = blocks[n:]
		if err := s.WaitRoom(ctx); err != nil {
			return err
		}
	}
}

// WaitRoom returns once Reserve may return something else than ErrFull, or for no
// reason. It flushes, polls, and parks. Its error is the context's.
func (s *BulkSender) WaitRoom(ctx context.Context) error {
	p, ready := s.ArmRoom()
	if ready {
		return nil
	}
	for range s.link.Polls {
		if atomic.LoadUint64(p.Word) != p.Old {
			return nil
		}
		pause(1)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.counts.Parks++
	return p.Sleep(ctx)
}

// ArmRoom flushes and returns what to sleep on until Reserve may return something
// else than ErrFull; ready says that it does so now. It does not allocate.
func (s *BulkSender) ArmRoom() (p Parking, ready bool) {
	s.Flush() // who shall make room must be awake
	if s.next == s.limit && s.err == nil {
		s.look() // its error, if any, is what the next Reserve returns
	}
	if s.next != s.limit || s.err != nil {
		return p, true
	}
	return Parking{s.link.Sleeper, &s.peer.ack, s.seen}, false
}

// Recv is RecvBatch that waits for at least one line. Errors are those of
// RecvBatch but ErrEmpty, and the context's.
func (r *BulkReceiver) Recv(ctx context.Context, blocks []Block) (int, error) {
	for {
		n, err := r.RecvBatch(blocks)
		if err != ErrEmpty {
			return n, err
		}
		if err := r.Wait(ctx); err != nil {
			return 0, err
		}
	}
}

// Wait returns once Peek may return something else than ErrEmpty, or for no
// reason. It polls, gives its lines back, flushes the sender that it is paired
// with, and parks. Its error is the context's.
func (r *BulkReceiver) Wait(ctx context.Context) error {
	for i := range r.link.Polls {
		if r.ready() {
			return nil
		}
		if i == flushPolls {
			r.flushPair()
		}
		pause(1)
	}
	p, ready := r.Arm()
	if ready {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return p.Sleep(ctx)
}

// Arm gives lines back, flushes the sender that this end is paired with, and
// returns what to sleep on until Peek may return something else than ErrEmpty;
// ready says that it does so now. It does not allocate.
func (r *BulkReceiver) Arm() (p Parking, ready bool) {
	r.Ack()
	r.flushPair()
	if r.ready() {
		return p, true
	}
	r.counts.Parks++
	return Parking{r.link.Sleeper, &r.peer.index, r.seen}, false
}

// Polls is how often to look before parking, as the end's Link has it.
func (r *BulkReceiver) Polls() int { return r.link.Polls }

// ready reports whether Peek returns something else than ErrEmpty.
func (r *BulkReceiver) ready() bool {
	return r.next != r.have || r.look() != ErrEmpty
}

// flushPair wakes the peer for what this end sent before it began to wait.
func (r *BulkReceiver) flushPair() {
	if r.pair != nil {
		r.pair.Flush()
	}
}
