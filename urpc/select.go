package urpc

import (
	"context"
	"fmt"
	"sync/atomic"
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
// A Sleeper watches one word, so each end has a goroutine that sleeps on its next
// header and tells Wait. It is started when Wait parks for the first time. Such a
// goroutine is handed a word and a value and touches nothing of the end, which
// its owner may use while the goroutine still sleeps.
type Select struct {
	ctx   context.Context
	ends  []*selected
	woken chan struct{} // of one: some end's header changed
}

// selected is one end and the goroutine that sleeps for it.
type selected struct {
	r       *Receiver
	arm     chan Parking // of one; nil until the goroutine is there
	armed   atomic.Bool  // set by Wait, cleared by the goroutine before it tells
	refused atomic.Pointer[error]
}

// NewSelect makes a Select of these ends, which a single goroutine uses together.
// ctx ends its waits and its goroutines; one that never ends costs nothing.
func NewSelect(ctx context.Context, ends ...*Receiver) *Select {
	s := &Select{ctx: ctx, woken: make(chan struct{}, 1)}
	for _, r := range ends {
		s.ends = append(s.ends, &selected{r: r})
	}
	return s
}

// Drop takes an end out that has ended or is not to be waited for any more. An
// end that is closed or broken would otherwise end every Wait at once.
func (s *Select) Drop(r *Receiver) {
	for i, e := range s.ends {
		if e.r == r {
			if e.arm != nil {
				close(e.arm)
			}
			s.ends = append(s.ends[:i], s.ends[i+1:]...)
			return
		}
	}
}

// Wait returns once TryRecv of an end may return something else than ErrEmpty,
// or for no reason. Like Recv it polls, flushes the senders that the ends are
// paired with, gives lines back, and parks. Errors are the context's, that of a
// Sleeper, and ErrEmpty if no end is left to wait for. Once each end's goroutine
// has been started it does not allocate.
func (s *Select) Wait() error {
	if len(s.ends) == 0 {
		return fmt.Errorf("wait for none of the channels: %w", ErrEmpty)
	}
	if s.poll() {
		return nil
	}
	if err := s.ctx.Err(); err != nil {
		return err
	}
	for _, e := range s.ends {
		if e.watch(s) {
			return nil
		}
	}
	select {
	case <-s.woken:
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
	for _, e := range s.ends {
		if err := e.refused.Load(); err != nil {
			return *err
		}
	}
	return nil
}

// poll looks at the ends in turn, about as often in all as Recv does at one.
func (s *Select) poll() (ready bool) {
	for i := range s.ends[0].r.link.Polls/len(s.ends) + 1 {
		for _, e := range s.ends {
			if e.r.ready() {
				return true
			}
			if i == flushPolls/len(s.ends) {
				e.r.flushPair()
			}
			pause(recvPauses)
		}
	}
	return false
}

// watch has the end's goroutine sleep, unless there is something to take. Where
// it sleeps from an earlier Wait, the end's header is the same, or the goroutine
// is on its way to tell.
func (e *selected) watch(s *Select) (ready bool) {
	p, ready := e.r.Arm()
	if ready {
		return true
	}
	if e.armed.Load() {
		return false
	}
	if e.arm == nil {
		e.arm = make(chan Parking, 1)
		go e.sleep(s.ctx, e.arm, s.woken)
	}
	e.armed.Store(true)
	e.arm <- p
	return false
}

// sleep is the end's goroutine. It clears armed before it tells: a Wait that
// still finds it set is told afterwards.
func (e *selected) sleep(ctx context.Context, arm <-chan Parking, woken chan<- struct{}) {
	for {
		select {
		case p, ok := <-arm:
			if !ok {
				return
			}
			if err := p.Sleep(ctx); err != nil {
				e.refuse(err)
			}
			e.armed.Store(false)
			select {
			case woken <- struct{}{}:
			default: // Wait has not come round since the last one
			}
		case <-ctx.Done():
			return
		}
	}
}

// refuse keeps the error for Wait. Its address is taken here, so that a sleep
// that goes well allocates nothing.
func (e *selected) refuse(err error) { e.refused.Store(&err) }
