package rpc

import (
	"fmt"

	"barreleye/urpc"
)

// message collects the body of one message from its lines. Its memory grows with
// what has come, not with what was announced.
type message struct {
	body []byte
	size int // of the whole
	got  int // bytes that have come; len(body) unless dropped
}

// begin takes the first line; drop says that nobody wants the message. It fails
// with an error that wraps urpc.ErrCorrupt for sizes that no correct peer sends.
func (a *message) begin(l *line, m *urpc.Message, most int, drop bool) error {
	whole := l.kind == kindRequest || l.kind == kindAnswer || l.kind == kindFailure
	switch {
	case whole && l.n != l.part:
		return fmt.Errorf("message of %d bytes in a line of %d: %w", l.n, l.part, urpc.ErrCorrupt)
	case !whole && (l.part != lineBytes || l.n <= lineBytes):
		return fmt.Errorf("message of %d bytes begins with a line of %d: %w", l.n, l.part, urpc.ErrCorrupt)
	case l.n > most:
		return fmt.Errorf("message of %d bytes, at most %d are agreed: %w", l.n, most, urpc.ErrCorrupt)
	}
	a.body = a.body[:0]
	if !drop {
		a.body = appendBody(a.body, m)
	}
	a.size, a.got = l.n, l.part
	return nil
}

// more takes a further line. Every one but the last is full.
func (a *message) more(l *line, m *urpc.Message, drop bool) error {
	if a.complete() || l.n != a.got || l.part != min(lineBytes, a.size-a.got) {
		return fmt.Errorf("%d bytes at %d of a message of %d of which %d have come: %w", l.part, l.n, a.size, a.got, urpc.ErrCorrupt)
	}
	if !drop {
		a.body = appendBody(a.body, m)
	}
	a.got += l.part
	return nil
}

func (a *message) complete() bool { return a.got == a.size }
