package urpc

import (
	"context"
	"fmt"
)

// Select waits for whichever of several channels speaks first. Its owner polls
// all ends with TryRecv or RecvBatch and calls Wait when all of them are empty:
//
//	for {
//		if !takeWhatThereIs(ends) {
//			err := s.Wait()
//		}
//	}
//
// All ends are watched at once, and an end that stayed empty stays watched: a
// Wait looks at the shared memory only of those that spoke or were read since.
type Select struct {
	ctx   context.Context
	ends  []*Receiver // nil where one was dropped
	armed []uint64    // 1 + the line that is watched of each, 0 where none is
	left  int         // ends not dropped
	polls int         // before parking, of all ends together; negative: none
	watch Watch       // nil until Wait parks for the first time
}

// NewSelect makes a Select of these ends, which a single goroutine uses together
// and which park on the same core. ctx ends its waits.
func NewSelect(ctx context.Context, ends ...*Receiver) *Select {
	s := &Select{ctx: ctx, ends: append([]*Receiver(nil), ends...), armed: make([]uint64, len(ends)), left: len(ends)}
	if len(ends) > 0 {
		s.polls = ends[0].link.Polls
	}
	return s
}

// Drop takes an end out that has ended or is not to be waited for any more. An
// end that is closed or broken would otherwise end every Wait at once.
func (s *Select) Drop(r *Receiver) {
	for i, end := range s.ends {
		if end == r {
			s.ends[i] = nil
			s.left--
			if s.watch != nil {
				s.watch.Disarm(i)
			}
			return
		}
	}
}

// Close gives back what Wait waited by.
func (s *Select) Close() error {
	if s.watch == nil {
		return nil
	}
	err := s.watch.Close()
	s.watch = nil
	clear(s.armed)
	return err
}

// Wait returns once TryRecv of an end may return something else than ErrEmpty,
// or for no reason. Like Recv it polls, flushes the senders that the ends are
// paired with, gives lines back, and parks. Errors are the context's, those of a
// Watcher, and ErrEmpty if no end is left to wait for. After the first time it
// does not allocate.
func (s *Select) Wait() error {
	if s.left == 0 {
		return fmt.Errorf("wait for none of the channels: %w", ErrEmpty)
	}
	if s.poll() {
		return nil
	}
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if s.watch == nil {
		if err := s.open(); err != nil {
			return err
		}
	}
	for i, r := range s.ends {
		if r == nil {
			continue
		}
		if ready, err := s.arm(i, r); ready || err != nil {
			return err
		}
	}
	s.notePark()
	changed, err := s.watch.Wait()
	s.noteUnpark()
	for _, i := range changed {
		s.armed[i] = 0
	}
	return err
}

// arm has end i watched, unless it is already and nothing was taken from it or
// sent over its pair since, or unless there is something to take.
func (s *Select) arm(i int, r *Receiver) (ready bool, err error) {
	if s.armed[i] == r.next+1 && r.err == nil {
		r.flushPair()
		return false, nil
	}
	p, ready := r.Arm()
	if ready {
		return true, nil
	}
	s.armed[i] = r.next + 1
	return false, s.watch.Arm(i, p.Word, p.Old)
}

// open gets the watch from the core that the ends park on.
func (s *Select) open() error {
	for _, r := range s.ends {
		if r == nil {
			continue
		}
		w, ok := r.link.Sleeper.(Watcher)
		if !ok {
			return fmt.Errorf("wait for %d channels: %T watches one word: use a Sleeper that is a Watcher", s.left, r.link.Sleeper)
		}
		var err error
		s.watch, err = w.Watch(s.ctx, len(s.ends))
		return err
	}
	return nil
}

// poll looks at the ends in turn, about as often in all as Recv does at one. Of
// more than that it looks at none: the watch does.
func (s *Select) poll() (ready bool) {
	if s.watch != nil && s.left > s.polls {
		return false
	}
	for i := range s.polls/s.left + 1 {
		for _, r := range s.ends {
			if r == nil {
				continue
			}
			if r.ready() {
				return true
			}
			if i == flushPolls/s.left {
				r.flushPair()
			}
			pause(recvPauses)
		}
	}
	return false
}
