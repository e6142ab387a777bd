package requests

import (
	"errors"
	"fmt"

	"barreleye/urpc"
)

// Client is the VMM's half for one life of a core. The core may send anything: what is
// kept of it is bounded by MaxAnswer for each request.
type Client struct {
	last uint64
	open map[uint64]*collected
}

// collected is what has come for a request.
type collected struct {
	data    []byte
	parts   uint64
	givenUp bool
}

// Answer is the end of a request.
type Answer struct {
	ID   uint64
	Data []byte
	Err  error // of the core: ErrBusy, ErrKind, or why it could not
}

// Ask makes the line of a request. Numbers fit 32 bits for as long as any life lasts.
func (c *Client) Ask(kind Kind, arg uint64) (id uint64, m urpc.Message) {
	if c.open == nil {
		c.open = map[uint64]*collected{}
	}
	c.last++
	c.open[c.last] = &collected{}
	return c.last, line(typeAsk, c.last, uint64(kind), arg)
}

// GiveUp makes the line that takes a request back; false where it is answered.
func (c *Client) GiveUp(id uint64) (m urpc.Message, ok bool) {
	r := c.open[id]
	if r == nil || r.givenUp {
		return m, false
	}
	r.givenUp, r.data = true, nil
	return line(typeGiveUp, id), true
}

// Open returns how many requests have no end yet, those that were given up included.
func (c *Client) Open() int { return len(c.open) }

// Receive takes a line from the core. done says that it ended a request which was not
// given up. The error is an ErrLine.
func (c *Client) Receive(m *urpc.Message) (a Answer, done bool, err error) {
	word := m.Words[0]
	switch {
	case m.Type == typePart && m.Len > 8 && m.Len <= urpc.MaxPayload:
		id, number := word&(1<<32-1), word>>32
		r := c.open[id]
		switch {
		case r == nil:
			return a, false, fmt.Errorf("part %d of request %d, which is not open: %w", number, id, ErrLine)
		case number != r.parts&(1<<32-1):
			return a, false, fmt.Errorf("part %d of request %d, part %d is due: %w", number, id, r.parts, ErrLine)
		case r.parts > 0 && len(r.data)%partBytes != 0:
			return a, false, fmt.Errorf("part %d of request %d follows a short one: %w", number, id, ErrLine)
		case (r.parts+1)*partBytes > MaxAnswer+partBytes:
			return a, false, fmt.Errorf("request %d: more than %d MiB: %w", id, MaxAnswer>>20, ErrLine)
		}
		r.parts++
		if !r.givenUp {
			var b [urpc.MaxPayload]byte
			r.data = append(r.data, m.AppendTo(b[:0])[8:]...)
		}
		return a, false, nil
	case m.Type == typeDone && m.Len == 24:
		r := c.open[word]
		switch {
		case r == nil:
			return a, false, fmt.Errorf("end of request %d, which is not open: %w", word, ErrLine)
		case m.Words[1] != r.parts:
			return a, false, fmt.Errorf("end of request %d after %d parts, %d came: %w", word, m.Words[1], r.parts, ErrLine)
		}
		delete(c.open, word)
		a = Answer{ID: word, Data: r.data}
		switch m.Words[2] {
		case answered:
		case failed:
			a.Data, a.Err = nil, errors.New(string(r.data))
		case busy:
			a.Err = ErrBusy
		case unknown:
			a.Err = ErrKind
		default:
			return a, false, fmt.Errorf("request %d: outcome %d: %w", word, m.Words[2], ErrLine)
		}
		return a, !r.givenUp, nil
	}
	return a, false, fmt.Errorf("type %d, %d bytes: %w", m.Type, m.Len, ErrLine)
}
