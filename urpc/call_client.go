package urpc

import "context"

// CallClient is the asking end of a call line. One goroutine at a time, one call
// at a time; several lines make several calls.
type CallClient struct {
	callEnd
	timer *callTimer // nil: nothing is counted
}

// NewCallClient makes the asking end. line is written by both ends in turns, own
// by this end, peer by the server; all must be zero when an epoch begins. It
// fails with ErrLayout.
func NewCallClient(line *Line, own, peer *Control, link Link) (*CallClient, error) {
	e, err := newCallEnd(line, own, peer, true, link)
	if err != nil {
		return nil, err
	}
	return &CallClient{callEnd: e}, nil
}

// Start writes request m and wakes nobody: Flush does. It returns ErrBusy while
// an earlier call is outstanding; the answer to a call that was given up is
// dropped here. Otherwise ErrMessage, ErrClosed, or an error that wraps
// ErrCorrupt. It does not allocate.
func (c *CallClient) Start(m *Message) error {
	if !c.turn {
		var dropped Message
		if err := c.read(&dropped); err == ErrEmpty {
			return ErrBusy
		} else if err != nil {
			return err
		}
	}
	if c.timer == nil {
		return c.write(m)
	}
	c.timer.start()
	err := c.write(m)
	if err == nil {
		c.timer.started()
	}
	return err
}

// Poll takes the answer into m. It returns ErrEmpty while there is none, ErrBusy
// without a call, ErrClosed, and an error that wraps ErrCorrupt if the server
// wrote what it may not. It does not allocate.
func (c *CallClient) Poll(m *Message) error {
	err := c.read(m)
	if err == nil && c.timer != nil {
		c.timer.answered()
	}
	return err
}

// Flush wakes the server's core if it sleeps and has not answered since Start.
// After Start, call it before polling for long. It does not allocate.
func (c *CallClient) Flush() { c.flush() }

// Call sends m and replaces it by the answer. It polls first, wakes the server
// when no answer came soon, and then parks. When the context ends the call is
// given up: its answer will be dropped, and calls until then wait for it.
func (c *CallClient) Call(ctx context.Context, m *Message) error {
	if !c.turn && c.err == nil {
		var dropped Message
		if err := c.wait(ctx, &dropped); err != nil {
			return err
		}
	}
	if c.timer != nil {
		return c.timed(ctx, m)
	}
	if err := c.write(m); err != nil {
		return err
	}
	return c.wait(ctx, m)
}

// timed is the rest of Call where calls are counted.
func (c *CallClient) timed(ctx context.Context, m *Message) error {
	c.timer.start()
	if err := c.write(m); err != nil {
		return err
	}
	c.timer.started()
	err := c.wait(ctx, m)
	if err == nil {
		c.timer.answered()
	}
	return err
}

// Close tells the server that no call follows. A call that is outstanding is
// given up.
func (c *CallClient) Close() { c.close() }
