package guest

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"barreleye/guest/cpudriver"
)

// sleeper parks goroutines on watches of the CPU driver. Watches are kept for
// the next sleep, so that parking allocates nothing once they are there.
type sleeper struct {
	mu   sync.Mutex
	free []*parking
}

// parking is one watch and the buffer its reads fill.
type parking struct {
	watch *cpudriver.Watch
	buf   [8]byte
}

// Sleep implements urpc.Sleeper.
func (s *sleeper) Sleep(ctx context.Context, word *uint64, old uint64) error {
	p, err := s.take()
	if err != nil {
		return err
	}
	defer s.put(p)
	if ctx.Done() != nil {
		stop := p.limit(ctx)
		defer stop()
	}
	p.watch.Arm(word, old)
	if _, err := p.watch.File().Read(p.buf[:]); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return context.DeadlineExceeded // the read's timer ran first
		}
		return err
	}
	return nil
}

// limit makes the read end when ctx does. The returned function undoes it.
func (p *parking) limit(ctx context.Context) (undo func()) {
	f := p.watch.File()
	if d, ok := ctx.Deadline(); ok {
		f.SetReadDeadline(d)
	}
	stop := context.AfterFunc(ctx, func() { f.SetReadDeadline(time.Unix(1, 0)) })
	return func() {
		if stop() {
			f.SetReadDeadline(time.Time{})
			return
		}
		// The function runs or ran: a watch whose deadline may still be set
		// later must not be used again.
		p.watch.Close()
		p.watch = nil
	}
}

func (s *sleeper) take() (*parking, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.free); n > 0 {
		p := s.free[n-1]
		s.free = s.free[:n-1]
		return p, nil
	}
	w, err := cpudriver.NewWatch()
	if err != nil {
		return nil, err
	}
	return &parking{watch: w}, nil
}

func (s *sleeper) put(p *parking) {
	if p.watch == nil {
		return
	}
	s.mu.Lock()
	s.free = append(s.free, p)
	s.mu.Unlock()
}
