package hosted

import (
	"context"
	"sync"
	"sync/atomic"
)

// watches are the words that goroutines wait for. It is the core's urpc.Watcher.
type watches struct {
	mu    sync.Mutex
	armed []*watch
	free  []*watch // kept, so that parking allocates nothing once they are there
	seen  int      // where the last lookAtSome ended
}

// watch is one goroutine that waits for one word to change.
type watch struct {
	word  *uint64
	old   uint64
	at    int           // its place in armed, -1 when it is not
	fired chan struct{} // of one

	// Of a watchSet's.
	set    *watchSet
	place  uint32
	listed bool // in its changed
}

// Sleep implements urpc.Sleeper.
func (s *watches) Sleep(ctx context.Context, word *uint64, old uint64) error {
	w := s.arm(word, old)
	// The idle loop may have looked before the word was armed.
	if atomic.LoadUint64(word) == old {
		select {
		case <-w.fired:
		case <-ctx.Done():
			s.release(w)
			return ctx.Err()
		}
	}
	s.release(w)
	return nil
}

func (s *watches) arm(word *uint64, old uint64) *watch {
	s.mu.Lock()
	defer s.mu.Unlock()
	var w *watch
	if n := len(s.free); n > 0 {
		w, s.free = s.free[n-1], s.free[:n-1]
	} else {
		w = &watch{fired: make(chan struct{}, 1)}
	}
	w.word, w.old, w.at = word, old, len(s.armed)
	s.armed = append(s.armed, w)
	return w
}

// release takes w back, fired or not.
func (s *watches) release(w *watch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.at >= 0 {
		s.disarm(w)
	}
	select {
	case <-w.fired:
	default:
	}
	s.free = append(s.free, w)
}

// disarm takes w out of the armed watches, with mu held.
func (s *watches) disarm(w *watch) {
	last := s.armed[len(s.armed)-1]
	s.armed[w.at], last.at = last, w.at
	s.armed = s.armed[:len(s.armed)-1]
	w.at = -1
}

// look fires every armed watch whose word changed and reports whether there was
// one.
func (s *watches) look() (fired bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lookAt(0, len(s.armed))
}

// shortLook is how many words the idle loop looks at while it polls, before it
// lets others run.
const shortLook = 64

// lookAtSome is look for some of the words, in turns.
func (s *watches) lookAtSome() (fired bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen >= len(s.armed) {
		s.seen = 0
	}
	from := s.seen
	s.seen = min(from+shortLook, len(s.armed))
	return s.lookAt(from, s.seen)
}

// lookAt looks at the armed words from one to before another, from behind: where
// one fires, the last one takes its place.
func (s *watches) lookAt(from, to int) (fired bool) {
	for i := to - 1; i >= from; i-- {
		if w := s.armed[i]; atomic.LoadUint64(w.word) != w.old {
			s.disarm(w)
			w.fire()
			fired = true
		}
	}
	return fired
}
