package rpc

import (
	"context"
	"runtime"

	"barreleye/urpc"
)

// Who takes lines off the channel. Anybody may, under the lock; the question is
// who looks while nothing comes. The first goroutine that waits polls, for itself
// and all others (poller). Others park until they are told. When the one that polls
// gives up, or is done while others wait, the Conn's own goroutine (watch) goes on
// until another one waits, and sleeps on the channel's memory if nothing comes for
// long. So a lone caller pays for no switch of goroutines, and contexts, deadlines
// and Close end a wait without having to reach into a Sleeper.

const (
	flushPolls = 64 // polls before the peer is woken, as in urpc
	yieldPolls = 64 // polls between two chances for other goroutines of the core
	takeAtOnce = 64 // lines taken before whoever waits may look
)

// take takes the lines that are there, a number of them at most, and returns how
// many. c.mu is held. An error has ended the Conn.
func (c *Conn) take() (n int, err error) {
	if c.err != nil {
		return 0, c.err
	}
	for n < takeAtOnce {
		err := c.ch.TryRecv(&c.in)
		if err == urpc.ErrEmpty {
			return n, nil
		}
		if err == nil {
			err = c.dispatch(&c.in)
		}
		if err != nil {
			return n, c.fail(err)
		}
		n++
	}
	return n, nil
}

// dispatch hands a line to its call.
func (c *Conn) dispatch(m *urpc.Message) error {
	l, ok := parse(m)
	switch {
	case !ok:
		return violated(&l, "no such line")
	case l.id.slot() >= c.inFlight:
		return violated(&l, "more calls in flight than agreed")
	case l.kind <= kindCancel:
		return c.requested(&l, m)
	}
	return c.answered(&l, m)
}

// complete marks what a waiter waits for as done.
func (c *Conn) complete(w *waiter) {
	w.done = true
	if w.parked {
		c.parked.remove(w)
		w.tell()
		c.told = true
	}
}

// await returns once w is done, or with the error of the context or of the Conn.
// c.mu is held, but not while nothing happens.
func (c *Conn) await(ctx context.Context, w *waiter) error {
	for !w.done {
		if c.err != nil {
			return c.err
		}
		if c.poller == nil || c.poller == &c.itself {
			err := c.poll(ctx, w)
			if err != nil || w.done {
				c.watchOver()
				return err
			}
		}
		if err := c.park(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// poll looks until w is over, or another one polls in its place, for about as long
// as a sleep would cost.
func (c *Conn) poll(ctx context.Context, w *waiter) error {
	c.poller = w
	defer func() {
		if c.poller == w {
			c.poller = nil
		}
	}()
	polls := c.ch.Polls()
	for i, turn := 0, 0; i <= polls; i, turn = i+1, turn+1 {
		n, err := c.take()
		if c.over(w) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(c.wanting) > 0 || len(c.cancels) > 0 {
			c.giveRoom()
		}
		if turn == flushPolls {
			c.ch.Flush()
		}
		if n > 0 {
			i = 0 // turn goes on: a flood of lines must not keep others from theirs
		}
		if !c.told && turn%yieldPolls != yieldPolls-1 {
			urpc.Pause()
			continue
		}
		c.told = false
		c.mu.Unlock()
		runtime.Gosched()
		c.mu.Lock()
		if c.poller != w || c.over(w) {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// over reports whether who polls as w has nothing more to wait for: the Conn's
// goroutine, if nobody is parked.
func (c *Conn) over(w *waiter) bool { return w.done || w == &c.itself && c.parked.first == nil }

// park waits to be told.
func (c *Conn) park(ctx context.Context, w *waiter) (err error) {
	c.ch.Flush() // nothing if nothing was sent
	c.parked.add(w)
	c.watchOver()
	c.mu.Unlock()
	select {
	case <-w.wake:
	case <-ctx.Done():
		err = ctx.Err()
	}
	c.mu.Lock()
	c.parked.remove(w)
	if w.done {
		return nil
	}
	return err
}

// watchOver sees to it that somebody looks while goroutines are parked.
func (c *Conn) watchOver() {
	if c.parked.first == nil || c.poller != nil || c.watching || c.err != nil {
		return
	}
	c.watching = true
	c.arm <- struct{}{} // of one, and taken before watching is cleared
	if !c.watcher {
		c.watcher = true
		go c.watch()
	}
}

// watch is the Conn's goroutine: it takes lines as long as others are parked.
func (c *Conn) watch() {
	for {
		select {
		case <-c.arm:
		case <-c.ctx.Done():
			return
		}
		c.mu.Lock()
		for c.err == nil && c.parked.first != nil {
			c.watchOnce()
		}
		c.watching = false
		c.mu.Unlock()
	}
}

// watchOnce polls, and sleeps if nothing comes. An error has ended the Conn.
func (c *Conn) watchOnce() {
	if c.poller == nil {
		if err := c.poll(c.ctx, &c.itself); err != nil || c.parked.first == nil {
			return
		}
	}
	if n, err := c.take(); n > 0 || err != nil {
		return
	}
	p, ready := c.ch.Arm()
	if ready {
		return
	}
	c.mu.Unlock()
	err := p.Sleep(c.ctx)
	c.mu.Lock()
	if err != nil {
		c.fail(err) // after Close there is one already
	}
}
