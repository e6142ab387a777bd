package rpc

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"barreleye/urpc"
)

// callState is where one of our calls stands. Its slot is given to another call
// only from callFree.
type callState uint8

const (
	callFree    callState = iota
	callTaken             // a caller has it, and the peer knows nothing of it
	callSending           // some lines are sent
	callWaiting           // all are sent
	callLeft              // given up: the answer is awaited, to be dropped
)

// Call is one call: Begin, append the arguments to Buffer, Do, read the results,
// End. The code that stubgen writes does so.
type Call struct {
	conn    *Conn
	answer  message
	args    []byte
	arrival waiter // of room, then of the answer
	slot    uint16
	use     uint16 // how often the slot was used before
	state   callState
	begun   bool // the first line of the answer has come
	failed  bool // the answer is an error
}

func (k *Call) id() id { return makeID(k.slot, k.use) }

// lacking is a goroutine that waits for a slot.
type lacking struct {
	waiter
	slot uint16
}

// Begin returns a call. While as many as may be are under way it waits. Errors
// are the context's and those that ended the Conn.
func (c *Conn) Begin(ctx context.Context) (*Call, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, c.err
	}
	if n := len(c.free); n > 0 {
		slot := c.free[n-1]
		c.free = c.free[:n-1]
		return c.taken(slot), nil
	}
	return c.beginLater(ctx)
}

// beginLater waits for a slot.
func (c *Conn) beginLater(ctx context.Context) (*Call, error) {
	var l *lacking
	if n := len(c.spare); n > 0 {
		l, c.spare = c.spare[n-1], c.spare[:n-1]
	} else {
		l = &lacking{waiter: newWaiter()}
	}
	l.done = false
	c.lacking = append(c.lacking, l)
	err := c.awaitSlot(ctx, l)
	c.spare = append(c.spare, l)
	if err != nil {
		c.lacking = slices.DeleteFunc(c.lacking, func(o *lacking) bool { return o == l })
		return nil, err
	}
	return c.taken(l.slot), nil
}

// awaitSlot waits as others do, but where no channel is: there nobody looks.
func (c *Conn) awaitSlot(ctx context.Context, l *lacking) error {
	if c.ch != nil {
		return c.await(ctx, &l.waiter)
	}
	for !l.done {
		c.mu.Unlock()
		select {
		case <-l.wake:
		case <-ctx.Done():
		case <-c.ctx.Done():
		}
		c.mu.Lock()
		if err := ctx.Err(); err != nil && !l.done {
			return err
		}
		if c.err != nil {
			return c.err
		}
	}
	return nil
}

// taken makes slot a call.
func (c *Conn) taken(slot uint16) *Call {
	k := c.calls[slot]
	if k == nil {
		k = &Call{conn: c, slot: slot, arrival: newWaiter(), args: make([]byte, 0, 64)}
		k.answer.body = make([]byte, 0, 64)
		c.calls[slot] = k
	}
	k.state = callTaken
	return k
}

// release gives the slot of k to the next call.
func (c *Conn) release(k *Call) {
	k.state = callFree
	k.use++
	if len(c.lacking) == 0 {
		c.free = append(c.free, k.slot)
		return
	}
	l := c.lacking[0]
	c.lacking = slices.Delete(c.lacking, 0, 1)
	l.slot = k.slot
	if c.ch != nil {
		c.complete(&l.waiter)
		return
	}
	l.done = true
	l.tell()
}

// Buffer is the empty memory to append the arguments to.
func (k *Call) Buffer() []byte { return k.args[:0] }

// Do calls a method and returns the results, which are valid until End. If there
// is an error the call has ended, without End. It is the error of the method
// (*Error); the context's, of which the method's context hears; ErrTooLarge;
// urpc.ErrClosed, with which the method may have run or not; or one that wraps
// urpc.ErrCorrupt. It does not allocate once the buffers have grown.
func (k *Call) Do(ctx context.Context, method uint16, args []byte) ([]byte, error) {
	c := k.conn
	k.args = args
	if c.ch == nil {
		return k.doLocal(ctx, method, args)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(args) > c.maxBytes {
		c.release(k)
		return nil, fmt.Errorf("method %d: %d bytes of arguments, %d possible: %w", method, len(args), c.maxBytes, ErrTooLarge)
	}
	k.state, k.begun, k.failed = callSending, false, false
	sent, err := c.send(ctx, &k.arrival, kindRequest, method&methodMask, k.id(), args)
	if err != nil && sent == 0 {
		c.release(k)
		return nil, err
	}
	if err == nil {
		k.state, k.arrival.done = callWaiting, false
		err = c.await(ctx, &k.arrival)
	}
	if err != nil {
		c.leave(k, err)
		return nil, err
	}
	if k.failed {
		err := decodeError(k.answer.body)
		c.release(k)
		return nil, err
	}
	k.state = callTaken
	return k.answer.body, nil
}

// End gives back what Do returned.
func (k *Call) End() {
	c := k.conn
	c.mu.Lock()
	c.release(k)
	c.mu.Unlock()
}

// leave gives up a call of which the peer knows.
func (c *Conn) leave(k *Call, why error) {
	if c.err != nil {
		return
	}
	k.state = callLeft
	code := CodeCanceled
	if errors.Is(why, context.DeadlineExceeded) {
		code = CodeDeadline
	}
	c.cancels = append(c.cancels, cancel{k.id(), code})
	c.sendCancels()
	if len(c.cancels) > 0 {
		c.watchForRoom()
	}
}

// answered takes a line of an answer.
func (c *Conn) answered(l *line, m *urpc.Message) error {
	k := c.calls[l.id.slot()]
	if k == nil || k.id() != l.id || k.state != callWaiting && k.state != callLeft || l.method != 0 {
		return violated(l, "no such call awaits an answer")
	}
	drop := k.state == callLeft
	if l.kind == kindAnswerMore {
		if !k.begun {
			return violated(l, "an answer without beginning")
		}
		if err := k.answer.more(l, m, drop); err != nil {
			return err
		}
	} else {
		if k.begun {
			return violated(l, "a second answer")
		}
		if err := k.answer.begin(l, m, c.maxBytes, drop); err != nil {
			return err
		}
		k.begun, k.failed = true, l.kind == kindFailure || l.kind == kindFailureBegin
	}
	switch {
	case !k.answer.complete():
	case drop:
		c.cancels = slices.DeleteFunc(c.cancels, func(o cancel) bool { return o.id == l.id })
		c.release(k)
	default:
		c.complete(&k.arrival)
	}
	return nil
}
