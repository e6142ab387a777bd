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
	all  []*os.File // of the watches, by descriptor
}

// parking is one watch and the buffer its reads fill.
type parking struct {
	watch *cpudriver.Watch
	buf   []byte
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
	if err := p.watch.Arm(0, word, old); err != nil {
		return err
	}
	if _, err := p.wait(ctx); err != nil {
		p.watch.Disarm(0)
		return err
	}
	return nil
}

// wait reads the watch and returns how many bytes. The read's deadline ends it for the context, or for
// hasten. It is put right before the context is looked at, so that the context's
// end is seen here or ends the next read.
func (p *parking) wait(ctx context.Context) (int, error) {
	f := p.watch.File()
	for {
		n, err := f.Read(p.buf)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		d, limited := ctx.Deadline() // the zero time is no deadline
		f.SetReadDeadline(d)
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if limited && !time.Now().Before(d) {
			return 0, context.DeadlineExceeded // the read's timer ran first
		}
	}
}

// past is a deadline that ends a read at once.
var past = time.Unix(1, 0)

// limit makes the read end when ctx does. The returned function undoes it.
func (p *parking) limit(ctx context.Context) (undo func()) {
	f := p.watch.File()
	if d, ok := ctx.Deadline(); ok {
		f.SetReadDeadline(d)
	}
	stop := context.AfterFunc(ctx, func() { f.SetReadDeadline(past) })
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
	s.know(w)
	return &parking{watch: w, buf: make([]byte, 8)}, nil
}

// know keeps a watch's file for hasten, with mu held.
func (s *sleeper) know(w *cpudriver.Watch) {
	if s.all == nil {
		go s.hasten()
	}
	for uint64(len(s.all)) <= w.FD() {
		s.all = append(s.all, nil)
	}
	s.all[w.FD()] = w.File()
}

func (s *sleeper) put(p *parking) {
	if p.watch == nil {
		return
	}
	s.mu.Lock()
	s.free = append(s.free, p)
	s.mu.Unlock()
}

// hasten makes the goroutines runnable that wait for watches which fired while
// others compute, where the runtime would look at epoll only after a while.
func (s *sleeper) hasten() {
	for {
		for fd, ok := cpudriver.AwaitLate(); ok; fd, ok = cpudriver.Late() {
			s.mu.Lock()
			f := s.all[fd]
			s.mu.Unlock()
			f.SetReadDeadline(past) // its goroutine reads again (wait)
		}
	}
}
