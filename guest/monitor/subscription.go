package monitor

import (
	"context"
	"errors"
	"slices"

	"barreleye/guest/monitor/names"
)

// ErrLagged says that a subscriber took so little that some of what happened was dropped.
var ErrLagged = errors.New("the subscriber lags: some changes were dropped")

// mostChanges is how many changes wait for a subscriber.
const mostChanges = 4096

// Subscription has the changes of names that a filter lets through, in the order in which
// this core's replica saw them.
type Subscription struct {
	a      *agreed
	want   func(*names.Change) bool
	ready  chan struct{} // of one: there are changes
	list   []names.Change
	lagged bool
}

// Follow returns what happens to names from now on.
func (m *Monitor) Follow(want func(*names.Change) bool) *Subscription {
	a := m.agreed
	s := &Subscription{a: a, want: want, ready: make(chan struct{}, 1)}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.follows = append(a.follows, s)
	return s
}

// take takes a change, with mu held.
func (s *Subscription) take(c *names.Change) {
	switch {
	case !s.want(c):
		return
	case len(s.list) == mostChanges:
		s.lagged = true
	default:
		s.list = append(s.list, *c)
	}
	s.tell()
}

func (s *Subscription) tell() {
	select {
	case s.ready <- struct{}{}:
	default: // it has been said already
	}
}

// Next returns the next change. Errors are ErrLagged, after which it goes on, and the
// context's.
func (s *Subscription) Next(ctx context.Context) (names.Change, error) {
	for {
		if c, err, ok := s.get(); ok {
			return c, err
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			return names.Change{}, ctx.Err()
		}
	}
}

func (s *Subscription) get() (c names.Change, err error, ok bool) {
	s.a.mu.Lock()
	defer s.a.mu.Unlock()
	switch {
	case len(s.list) > 0:
		c, s.list = s.list[0], s.list[1:]
		if len(s.list) > 0 || s.lagged {
			s.tell() // others may wait too
		}
		return c, nil, true
	case s.lagged:
		s.lagged = false
		return c, ErrLagged, true
	}
	return c, nil, false
}

// Close ends it.
func (s *Subscription) Close() {
	s.a.mu.Lock()
	defer s.a.mu.Unlock()
	s.a.follows = slices.DeleteFunc(s.a.follows, func(o *Subscription) bool { return o == s })
}
