package rpc

import (
	"context"
	"slices"

	"barreleye/urpc"
)

// Sending. A message longer than a line is cut into lines that name its call, so
// that those of several calls may alternate: the lock is given up only where the
// ring is full. Whoever waits for room takes lines meanwhile: the peer may wait
// for room too.

// send sends a message and returns how many of its lines went out, not all of
// them if there is an error. c.mu is held, but not while the ring is full.
func (c *Conn) send(ctx context.Context, w *waiter, k kind, method uint16, i id, body []byte) (sent int, err error) {
	if len(body) <= lineBytes {
		if err := c.put(ctx, w, k, method, i, len(body), body); err != nil {
			return 0, err
		}
		return 1, nil
	}
	more := kindAnswerMore
	if k == kindRequest {
		more = kindRequestMore
	}
	if err := c.put(ctx, w, k+1, method, i, len(body), body[:lineBytes]); err != nil {
		return 0, err
	}
	for at := lineBytes; at < len(body); at += lineBytes {
		sent++
		if err := c.put(ctx, w, more, 0, i, at, body[at:min(at+lineBytes, len(body))]); err != nil {
			return sent, err
		}
	}
	return sent + 1, nil
}

// put sends one line.
func (c *Conn) put(ctx context.Context, w *waiter, k kind, method uint16, i id, n int, part []byte) error {
	for {
		if c.err != nil {
			return c.err
		}
		putLine(&c.out, k, method, i, n, part)
		err := c.ch.TrySend(&c.out)
		if err == nil {
			return nil
		}
		if err != urpc.ErrFull {
			return c.broken(err)
		}
		if err := c.room(ctx, w); err != nil {
			return err
		}
	}
}

// room returns when there may be room.
func (c *Conn) room(ctx context.Context, w *waiter) error {
	for range c.ch.Polls() {
		if _, err := c.take(); err != nil {
			return err
		}
		if _, ready := c.ch.ArmRoom(); ready {
			return nil
		}
		urpc.Pause()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	w.done = false
	c.wanting = append(c.wanting, w)
	c.watchForRoom()
	err := c.await(ctx, w)
	if !w.done {
		c.wanting = slices.DeleteFunc(c.wanting, func(o *waiter) bool { return o == w })
	}
	w.done = false
	return err
}

// watchForRoom has the goroutine for it wait for room.
func (c *Conn) watchForRoom() {
	if c.roomed {
		return
	}
	c.roomed = true
	c.armRoom <- struct{}{} // of one, and taken before roomed is cleared
	if !c.roomer {
		c.roomer = true
		go c.watchRoom()
	}
}

// watchRoom is the Conn's goroutine for a full ring. It is started by the first
// one.
func (c *Conn) watchRoom() {
	for {
		select {
		case <-c.armRoom:
		case <-c.ctx.Done():
			return
		}
		c.mu.Lock()
		for c.err == nil && (len(c.wanting) > 0 || len(c.cancels) > 0) {
			p, ready := c.giveRoom()
			if ready {
				continue
			}
			c.mu.Unlock()
			err := p.Sleep(c.ctx)
			c.mu.Lock()
			if err != nil {
				c.fail(err)
			}
		}
		c.roomed = false
		c.mu.Unlock()
	}
}

// giveRoom sends the cancellations and tells those that wait, if there is room.
func (c *Conn) giveRoom() (p urpc.Parking, ready bool) {
	if p, ready = c.ch.ArmRoom(); !ready {
		return p, false
	}
	c.sendCancels()
	if len(c.cancels) == 0 {
		for _, w := range c.wanting {
			c.complete(w)
		}
		c.wanting = c.wanting[:0]
	}
	return p, true
}

// cancel is a cancellation and its reason.
type cancel struct {
	id   id
	code Code
}

// sendCancels sends cancellations as long as there is room, and wakes the peer.
// On a channel that is closed they are dropped.
func (c *Conn) sendCancels() {
	for len(c.cancels) > 0 {
		next := c.cancels[0]
		putLine(&c.out, kindCancel, 0, next.id, int(next.code), nil)
		err := c.ch.TrySend(&c.out)
		if err == urpc.ErrFull {
			break
		}
		if err != nil {
			c.broken(err)
		}
		c.cancels = slices.Delete(c.cancels, 0, 1)
	}
	c.ch.Flush()
}
