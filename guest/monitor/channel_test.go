package monitor

import (
	"context"
	"sync"
	"sync/atomic"

	"barreleye/urpc"
)

// line is one direction of a channel between two monitors of one process.
type line struct {
	mu       sync.Mutex
	changed  sync.Cond
	messages []urpc.Message
	room     int
	ended    bool
	word     uint64 // changes whenever there is more to receive
}

func newLine(room int) *line {
	l := &line{room: room}
	l.changed.L = &l.mu
	return l
}

// end ends it: what was sent before is received.
func (l *line) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.tell()
}

func (l *line) tell() {
	atomic.AddUint64(&l.word, 1)
	l.changed.Broadcast()
}

// Sleep implements urpc.Sleeper.
func (l *line) Sleep(_ context.Context, word *uint64, old uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for atomic.LoadUint64(word) == old {
		l.changed.Wait()
	}
	return nil
}

// end is one end of a channel.
type end struct{ out, in *line }

// channelOf is an end of a channel.
func channelOf(out, in *line) Channel {
	e := &end{out, in}
	return Channel{e, e}
}

func (e *end) TrySend(m *urpc.Message) error {
	l := e.out
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.ended:
		return urpc.ErrClosed
	case len(l.messages) == l.room:
		return urpc.ErrFull
	}
	l.messages = append(l.messages, *m)
	l.tell()
	return nil
}

func (e *end) Flush() {}

func (e *end) Send(_ context.Context, m *urpc.Message) error {
	for {
		if err := e.TrySend(m); err != urpc.ErrFull {
			return err
		}
		e.out.mu.Lock()
		for len(e.out.messages) == e.out.room && !e.out.ended {
			e.out.changed.Wait()
		}
		e.out.mu.Unlock()
	}
}

func (e *end) TryRecv(m *urpc.Message) error {
	l := e.in
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case len(l.messages) > 0:
		*m, l.messages = l.messages[0], l.messages[1:]
		l.changed.Broadcast()
		return nil
	case l.ended:
		return urpc.ErrClosed
	}
	return urpc.ErrEmpty
}

func (e *end) Look() int { return 1 }

func (e *end) Arm() (p urpc.Parking, ready bool) {
	l := e.in
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.messages) > 0 || l.ended {
		return p, true
	}
	return urpc.Parking{Sleeper: l, Word: &l.word, Old: l.word}, false
}
