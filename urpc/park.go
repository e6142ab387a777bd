package urpc

import "context"

// Parking in two steps, for owners that share an end among goroutines under a
// lock of their own (package rpc): Arm and ArmRoom use the end, under the lock;
// Sleep touches nothing of it, and needs none.

// Parking is a shared word and the value with which it was judged.
type Parking struct {
	Sleeper Sleeper
	Word    *uint64
	Old     uint64
}

// Sleep returns nil once the word differs from the value, or without a reason, or
// the context's error when it ends.
func (p *Parking) Sleep(ctx context.Context) error {
	notePark(p.Word, p.Old)
	err := p.Sleeper.Sleep(ctx, p.Word, p.Old)
	noteUnpark(p.Word)
	return err
}

// Arm gives lines back, flushes the sender that this end is paired with, and
// returns what to sleep on until TryRecv may return something else than ErrEmpty;
// ready says that it does so now. It does not allocate.
func (r *Receiver) Arm() (p Parking, ready bool) {
	r.Ack()
	r.flushPair()
	if r.ready() {
		return p, true
	}
	r.counts.Parks++
	l := &r.ring[r.next&uint64(len(r.ring)-1)]
	return Parking{r.link.Sleeper, &l.header, r.seen}, false
}

// Polls is how often to look before parking, as the end's Link has it.
func (r *Receiver) Polls() int { return r.link.Polls }

// ArmRoom flushes and returns what to sleep on until TrySend may return something
// else than ErrFull; ready says that it does so now. It does not allocate.
func (s *Sender) ArmRoom() (p Parking, ready bool) {
	s.Flush()
	if s.next == s.room && s.err == nil {
		s.look() // its error, if any, is what the next TrySend returns
	}
	if s.next != s.room || s.err != nil {
		return p, true
	}
	s.counts.Parks++
	return Parking{s.link.Sleeper, &s.peer.ack, s.seen}, false
}

// Pause tells the CPU that its goroutine polls. It belongs between a store and
// the first look for its answer, and between two looks.
func Pause() { pause(1) }
