package rpc

import "context"

// Local makes a Conn whose calls are answered by services of this core, in the
// caller's goroutine: nothing is sent, but arguments, results and errors are
// copied as if they were. Methods that are not concurrent run one at a time. It
// needs no Serve, and fails with ErrConfig.
func Local(cfg Config) (*Conn, error) { return newConn(cfg) }

// doLocal is Do without a channel.
func (k *Call) doLocal(ctx context.Context, number uint16, args []byte) ([]byte, error) {
	c := k.conn
	out, err := c.callLocal(ctx, number, args, k.answer.body[:0])
	if err != nil {
		err = decodeError(appendError(nil, err, c.maxBytes))
		k.End()
		return nil, err
	}
	k.answer.body = out
	return out, nil
}

func (c *Conn) callLocal(ctx context.Context, number uint16, args, out []byte) ([]byte, error) {
	m := c.method(number)
	if m == nil {
		return nil, noMethod(number)
	}
	if len(args) > c.maxBytes {
		return nil, ErrTooLarge
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !m.Concurrent {
		c.inPlaces.Lock()
		defer c.inPlaces.Unlock()
	}
	out, err := m.service.Serve(ctx, number, args, out)
	if err == nil && len(out) > c.maxBytes {
		return nil, ErrTooLarge
	}
	return out, err
}
