package rpc

import (
	"context"
	"errors"
	"fmt"

	"barreleye/urpc"
)

// serveState is where one of the peer's calls stands.
type serveState uint8

const (
	serveIdle       serveState = iota // answered
	serveCollecting                   // some lines have come
	serveQueued                       // all have
	serveRunning                      // its method runs, or its answer is being sent
)

// serving is one call of the peer.
type serving struct {
	request message
	room    waiter
	out     []byte
	id      id
	method  uint16
	state   serveState
	why     Code // why it was cancelled, 0 if it was not
	run     *method
	ctx     context.Context // of a concurrent method
	cancel  context.CancelCauseFunc
}

// requested takes a line of a request.
func (c *Conn) requested(l *line, m *urpc.Message) error {
	if c.served == nil {
		return violated(l, "this end has no services")
	}
	if l.method != 0 && l.kind != kindRequest && l.kind != kindRequestBegin {
		return violated(l, "a method where none belongs")
	}
	s := c.served[l.id.slot()]
	if s == nil {
		s = &serving{room: newWaiter()}
		s.request.body = make([]byte, 0, 64)
		c.served[l.id.slot()] = s
	}
	switch l.kind {
	case kindCancel:
		return c.cancelled(s, l)
	case kindRequestMore:
		if s.state != serveCollecting || s.id != l.id {
			return violated(l, "a request without beginning")
		}
		if err := s.request.more(l, m, false); err != nil {
			return err
		}
	default:
		if s.state != serveIdle {
			return violated(l, "its slot has a call that is not answered")
		}
		if err := s.request.begin(l, m, c.maxBytes, false); err != nil {
			return err
		}
		s.id, s.method, s.why, s.state = l.id, l.method, 0, serveCollecting
	}
	if s.request.complete() {
		c.enqueue(s)
	}
	return nil
}

// cancelled takes a cancellation. It may cross the answer.
func (c *Conn) cancelled(s *serving, l *line) error {
	why := Code(l.n)
	if s.id != l.id || l.part != 0 || why != CodeCanceled && why != CodeDeadline {
		return violated(l, "no such call to cancel")
	}
	s.why = why
	switch {
	case s.state == serveCollecting:
		c.enqueue(s)
	case s.state == serveRunning && s.cancel != nil:
		s.cancel(reason(why))
	}
	return nil
}

// reason is the error of a context that ended for the caller's reason.
func reason(why Code) error {
	if why == CodeDeadline {
		return context.DeadlineExceeded
	}
	return context.Canceled
}

// enqueue hands a request to Serve. A slot is in the queue once at most.
func (c *Conn) enqueue(s *serving) {
	s.state = serveQueued
	c.queue[(c.queueAt+c.queued)%len(c.queue)] = uint16(s.id.slot())
	c.queued++
	c.complete(&c.serving)
}

// Serve answers the peer's calls. It returns the error of the context, which ends
// the contexts of methods that run; or what ended the Conn, urpc.ErrClosed where
// the peer or this end closed it. One goroutine may serve at a time; ErrConfig is
// for a second one, and for an end without services.
func (c *Conn) Serve(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.serves || c.served == nil || c.ch == nil {
		return fmt.Errorf("Serve runs already, or there is nothing to serve: %w", ErrConfig)
	}
	c.serves = true
	defer func() { c.serves = false }()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(c.ctx, stop)()
	for {
		for c.queued == 0 {
			c.serving.done = false
			err := c.await(ctx, &c.serving)
			if err != nil {
				if c.err != nil {
					return c.err
				}
				return err
			}
		}
		if c.err != nil {
			return c.err
		}
		s := c.served[c.queue[c.queueAt]]
		c.queueAt = (c.queueAt + 1) % len(c.queue)
		c.queued--
		s.state = serveRunning
		c.serve(ctx, s)
	}
}

// serve answers a request, or has a goroutine do it.
func (c *Conn) serve(ctx context.Context, s *serving) {
	s.run = c.method(s.method)
	switch {
	case s.why != 0:
		c.reply(s, s.out, reason(s.why))
	case s.run == nil:
		c.reply(s, s.out, noMethod(s.method))
	case s.run.Concurrent:
		s.ctx, s.cancel = context.WithCancelCause(ctx)
		c.employ(s)
	default:
		c.mu.Unlock()
		out, err := s.run.service.Serve(ctx, s.method, s.request.body, s.out[:0])
		c.mu.Lock()
		c.reply(s, out, err)
	}
	if c.queued > 0 {
		c.ch.Flush() // the next method may take long
	}
}

// employ hands a request to a goroutine that has none, or to a new one.
func (c *Conn) employ(s *serving) {
	select {
	case c.work <- s:
		return
	default:
	}
	if c.workers < c.inFlight {
		c.workers++
		go c.worker(s)
		return
	}
	// Fewer calls than that are under way, so one is about to be free.
	c.mu.Unlock()
	select {
	case c.work <- s:
	case <-c.ctx.Done():
	}
	c.mu.Lock()
}

// worker runs concurrent methods, until the Conn ends.
func (c *Conn) worker(s *serving) {
	for {
		out, err := s.run.service.Serve(s.ctx, s.method, s.request.body, s.out[:0])
		s.cancel(nil)
		c.mu.Lock()
		c.reply(s, out, err)
		c.ch.Flush()
		c.mu.Unlock()
		select {
		case s = <-c.work:
		case <-c.ctx.Done():
			return
		}
	}
}

// reply sends the answer. Where that fails the Conn has ended, or is about to.
func (c *Conn) reply(s *serving, out []byte, err error) {
	if err == nil && len(out) > c.maxBytes {
		err = fmt.Errorf("%s: %d bytes of results, %d possible: %w", s.run.Name, len(out), c.maxBytes, ErrTooLarge)
	}
	k := kindAnswer
	if err != nil {
		k, out = kindFailure, appendError(s.out[:0], err, c.maxBytes)
	}
	s.out = out
	s.cancel = nil
	// Idle at once with the last line: its receiver may use the slot again.
	if _, err := c.send(c.ctx, &s.room, k, 0, s.id, out); err == nil {
		s.state = serveIdle
	} else if !errors.Is(err, urpc.ErrClosed) {
		c.fail(err)
	}
}
