package urpc

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
)

// core is a test's core: goroutines that sleep on words, and an idle loop that
// follows the asleep protocol (asleep.go) and halts on a doorbell. Nothing but
// the bell, or a new sleeper of its own, wakes it.
type core struct {
	asleep *uint64
	bell   chan struct{} // capacity 1: a doorbell that is pending
	arm    chan struct{} // capacity 1: something was armed here

	mu     sync.Mutex
	armed  map[*watch]bool
	halts  int
	pauses func() // called between the steps of the protocol, to vary their timing
}

type watch struct {
	word *uint64
	old  uint64
	done chan struct{} // closed when it has changed; of a set, of one

	set   *coreSet
	place uint32
}

// newCore starts the idle loop of a core with that asleep word; it ends with tb.
func newCore(tb testing.TB, asleep *uint64, pauses func()) *core {
	c := &core{asleep: asleep, bell: make(chan struct{}, 1), arm: make(chan struct{}, 1),
		armed: map[*watch]bool{}, pauses: pauses}
	ctx, stop := context.WithCancel(context.Background())
	tb.Cleanup(stop)
	go c.idle(ctx)
	return c
}

// ring is the doorbell of the core.
func (c *core) ring() { notify(c.bell) }

func notify(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

func (c *core) idle(ctx context.Context) {
	for ctx.Err() == nil {
		PublishAsleep(c.asleep)
		c.pauses()
		if !c.look() {
			c.pauses()
			select {
			case <-c.bell:
			case <-c.arm:
			case <-ctx.Done():
			}
		}
		c.pauses()
		ClearAsleep(c.asleep)
		c.look()
	}
}

// look ends every sleep whose word has changed.
func (c *core) look() (found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for w := range c.armed {
		if atomic.LoadUint64(w.word) != w.old {
			delete(c.armed, w)
			if w.set != nil {
				w.set.changed = append(w.set.changed, w.place)
				notify(w.done)
			} else {
				close(w.done)
			}
			found = true
		}
	}
	return found
}

func (c *core) Sleep(ctx context.Context, word *uint64, old uint64) error {
	w := &watch{word: word, old: old, done: make(chan struct{})}
	c.mu.Lock()
	c.armed[w] = true
	c.halts++
	c.mu.Unlock()
	notify(c.arm)
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		c.mu.Lock()
		delete(c.armed, w)
		c.mu.Unlock()
		return ctx.Err()
	}
}

// coreSet is a Watch of a test's core.
type coreSet struct {
	c       *core
	ctx     context.Context
	places  []*watch // nil where none is armed
	changed []uint32 // under the core's lock
	woken   chan struct{}
}

// Watch implements Watcher.
func (c *core) Watch(ctx context.Context, n int) (Watch, error) {
	return &coreSet{c: c, ctx: ctx, places: make([]*watch, n), woken: make(chan struct{}, 1)}, nil
}

func (s *coreSet) Arm(place int, word *uint64, old uint64) error {
	s.Disarm(place)
	w := &watch{word: word, old: old, done: s.woken, set: s, place: uint32(place)}
	s.c.pauses()
	s.c.mu.Lock()
	s.places[place] = w
	s.c.armed[w] = true
	s.c.mu.Unlock()
	notify(s.c.arm)
	return nil
}

func (s *coreSet) Disarm(place int) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	delete(s.c.armed, s.places[place])
}

func (s *coreSet) Wait() ([]uint32, error) {
	s.c.mu.Lock()
	s.c.halts++
	s.c.mu.Unlock()
	select {
	case <-s.woken:
	case <-s.ctx.Done():
		return nil, s.ctx.Err()
	}
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	changed := s.changed
	s.changed = nil
	return changed, nil
}

func (s *coreSet) Close() error {
	for i := range s.places {
		s.Disarm(i)
	}
	return nil
}

// sleeps is how often a goroutine parked here.
func (c *core) sleeps() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.halts
}

// linkTo is a link from this core to the other one. polls as in Link.
func (c *core) linkTo(other *core, polls int) Link {
	return Link{Epoch: 7, Sleeper: c, Polls: polls, Bell: &Bell{Asleep: other.asleep, Ring: other.ring}}
}
