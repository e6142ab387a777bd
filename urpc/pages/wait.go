package pages

import (
	"context"
	"runtime"

	"barreleye/urpc"
)

// Who waits first polls the channel itself, for about as long as a sleep would
// cost. Then it parks until it is told, and the pool's own goroutine (watch)
// sleeps on the channel's memory in the place of all: pages also become free by
// what other goroutines of this core do. While something is granted that
// goroutine sleeps there too, because its return, or the death of who has it,
// concerns another pool.

// yieldPolls is the number of polls between two chances for other goroutines.
const yieldPolls = 64

// waiters are the goroutines that wait for something to happen in a pool.
type waiters struct {
	parked  []chan struct{} // each of one
	spare   []chan struct{}
	arm     chan struct{} // of one: the pool's goroutine is to watch
	watched bool          // it does
	polling bool          // somebody polls
	events  uint64        // times they were told
}

// tell wakes all.
func (w *waiters) tell() {
	w.events++
	for _, c := range w.parked {
		select {
		case c <- struct{}{}:
		default: // told already
		}
	}
}

// wait returns nil when something may have happened since the lock was taken, or
// the context's error.
func (p *Pool) wait(ctx context.Context) error {
	w := &p.waiting
	now := w.events
	if !w.polling {
		w.polling = true
		p.poll(now)
		w.polling = false
	}
	if w.events != now || p.err != nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return p.park(ctx)
}

// poll looks at the channel until something happens, but not for long.
func (p *Pool) poll(now uint64) {
	for i := 1; i <= p.ch.Polls(); i++ {
		p.drain()
		if p.waiting.events != now || p.err != nil {
			return
		}
		if i%yieldPolls == 0 {
			p.core.mu.Unlock()
			runtime.Gosched()
			p.core.mu.Lock()
		}
		urpc.Pause()
	}
}

// park waits to be told.
func (p *Pool) park(ctx context.Context) (err error) {
	w := &p.waiting
	var c chan struct{}
	if n := len(w.spare); n > 0 {
		c, w.spare = w.spare[n-1], w.spare[:n-1]
	} else {
		c = make(chan struct{}, 1)
	}
	w.parked = append(w.parked, c)
	p.watchOver()
	p.core.mu.Unlock()
	select {
	case <-c:
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.core.mu.Lock()
	for i := range w.parked {
		if w.parked[i] == c {
			w.parked[i] = w.parked[len(w.parked)-1]
			w.parked = w.parked[:len(w.parked)-1]
			break
		}
	}
	select {
	case <-c: // told meanwhile
	default:
	}
	w.spare = append(w.spare, c)
	return err
}

// watchOver sees to it that the pool's goroutine watches.
func (p *Pool) watchOver() {
	w := &p.waiting
	if w.watched || p.err != nil {
		return
	}
	w.watched = true
	if w.arm == nil {
		w.arm = make(chan struct{}, 1)
		go p.watch()
	}
	w.arm <- struct{}{} // taken before watched is cleared
}

// watch is the pool's goroutine. It ends with the pool.
func (p *Pool) watch() {
	for range p.waiting.arm {
		p.core.mu.Lock()
		for p.err == nil && (len(p.waiting.parked) > 0 || len(p.lent) > 0) {
			p.watchOnce()
		}
		p.waiting.watched = false
		ended := p.err != nil
		p.core.mu.Unlock()
		if ended {
			return
		}
	}
}

func (p *Pool) watchOnce() {
	now := p.waiting.events
	p.drain()
	if p.waiting.events != now || p.err != nil {
		p.core.mu.Unlock()
		runtime.Gosched() // those that were told
		p.core.mu.Lock()
		return
	}
	if s, ready := p.ch.Arm(); !ready {
		p.core.mu.Unlock()
		err := s.Sleep(context.Background())
		p.core.mu.Lock()
		if err != nil {
			p.fail(err)
		}
	}
}

// waitRoom returns when the channel may have room. It takes what has come first:
// a peer that waits for room too must get it.
func (p *Pool) waitRoom(ctx context.Context) error {
	p.drain()
	if p.err != nil {
		return p.err
	}
	s, ready := p.ch.ArmRoom()
	if ready {
		return nil
	}
	p.core.mu.Unlock()
	defer p.core.mu.Lock()
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.Sleep(ctx)
}

// makeRoom has a goroutine send what is due once there is room.
func (p *Pool) makeRoom() {
	p.behind = true
	if p.roomer || p.err != nil {
		return
	}
	p.roomer = true
	go p.sendDue()
}

func (p *Pool) sendDue() {
	p.core.mu.Lock()
	defer p.core.mu.Unlock()
	for err := error(nil); err == nil && p.err == nil; {
		if err = p.sendNext(); err == urpc.ErrFull {
			err = p.waitRoom(context.Background())
		}
	}
	p.roomer = false // all is sent, or the pool is at its end, as whoever reads will see
}

// sendNext sends a line that waits for room. It fails with ErrEmpty if there is
// none, and as the channel does.
func (p *Pool) sendNext() error {
	if len(p.drops) > 0 {
		err := p.transmit(&p.drops[0])
		if err == nil {
			p.drops = p.drops[1:]
		}
		return err
	}
	r := p.due.next(0, p.shelf.pages())
	if r.count == 0 {
		p.behind = false
		return ErrEmpty
	}
	l := line{kind: kindHome, run: r}
	err := p.transmit(&l)
	if err == nil {
		p.due.clear(r)
		p.away(r)
	}
	return err
}
