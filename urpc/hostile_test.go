package urpc

import (
	"context"
	"errors"
	"testing"
)

// nextHeader is what a correct sender would write in line n of a ring.
func nextHeader(epoch uint8, n uint64) uint64 {
	return makeHeader(uint64(epoch)<<epochShift, 8, 1, uint32(n)+1)
}

// TestHostileRing lists each content of a ring that no sender writes, in the
// first lap and in a later one, and the documented answer, which then stays.
func TestHostileRing(t *testing.T) {
	const lines = 16
	for _, begin := range []uint64{0, 3 * lines, 1<<32 - 1} {
		prev := uint64(0)
		if begin >= lines {
			prev = nextHeader(7, begin-lines)
		}
		for _, c := range []struct {
			name   string
			header uint64
			state  uint64
			sent   uint64
			want   error
		}{
			{"message", nextHeader(7, begin), 0, 0, nil},
			{"empty", prev, 0, 0, ErrEmpty},
			{"closed by a line", makeHeader(7<<epochShift, 0, typeClose, uint32(begin)+1), 0, 0, ErrClosed},
			{"closed by the state word", prev, closedWord(7 << epochShift), begin, ErrClosed},
			{"message before the close", nextHeader(7, begin), closedWord(7 << epochShift), begin + 1, nil},
			{"wrong epoch", nextHeader(6, begin), 0, 0, ErrEpoch},
			{"stale state word", prev, closedWord(6 << epochShift), begin, ErrEpoch},
			{"odd state word", prev, 12, 0, ErrCorrupt},
			{"length 57", makeHeader(7<<epochShift, 57, 1, uint32(begin)+1), 0, 0, ErrCorrupt},
			{"reserved type", makeHeader(7<<epochShift, 0, TypeReserved, uint32(begin)+1), 0, 0, ErrCorrupt},
			{"close mark with a length", makeHeader(7<<epochShift, 1, typeClose, uint32(begin)+1), 0, 0, ErrCorrupt},
			{"sequence too high", nextHeader(7, begin+1), 0, 0, ErrCorrupt},
			{"sequence of a lap later", nextHeader(7, begin+lines), 0, 0, ErrCorrupt},
			{"sequence of two laps before", nextHeader(7, begin-2*lines), 0, 0, ErrCorrupt},
			{"close before what was taken", prev, closedWord(7 << epochShift), begin - 1, ErrCorrupt},
			{"close after what never came", prev, closedWord(7 << epochShift), begin + 1, ErrCorrupt},
		} {
			s, r := ringPair(t, lines, Link{}, Link{Epoch: 7})
			r.next, r.acked, r.rung, r.ackAt = begin, begin, begin, begin+r.every
			s.ring[begin%lines].header = c.header
			s.own.state, s.own.sent = c.state, c.sent
			m := Message{Len: 99}
			err := r.TryRecv(&m)
			if !errors.Is(err, c.want) || c.want == ErrCorrupt && errors.Is(err, ErrEpoch) {
				t.Errorf("from %d, %s: %v, want %v", begin, c.name, err, c.want)
			}
			if err != nil && m != (Message{Len: 99}) {
				t.Errorf("from %d, %s: message touched", begin, c.name)
			}
			if err == nil || err == ErrEmpty {
				continue
			}
			s.ring[begin%lines].header = nextHeader(7, begin) // repaired too late
			s.own.state = 0
			if again := r.TryRecv(&m); again != err {
				t.Errorf("from %d, %s: %v, then %v", begin, c.name, err, again)
			}
		}
	}
	if !errors.Is(ErrEpoch, ErrCorrupt) {
		t.Error("ErrEpoch is no ErrCorrupt")
	}
}

// TestHostileAck lists each content of the receiver's words that no receiver
// writes.
func TestHostileAck(t *testing.T) {
	for _, c := range []struct {
		name       string
		ack, state uint64
		want       error
	}{
		{"full", 3, 0, ErrFull},
		{"room", 4, 0, nil},
		{"closed", 3 | ackClosed, 0, ErrClosed},
		{"closed by the state word", 3, closedWord(7 << epochShift), ErrClosed},
		{"from the future", 19, 0, ErrCorrupt},
		{"going back", 2, 0, ErrCorrupt},
		{"closed, from the future", 19 | ackClosed, 0, ErrCorrupt},
		{"stale state word", 3, closedWord(1 << epochShift), ErrEpoch},
		{"odd state word", 3, 1, ErrCorrupt},
	} {
		s, r := ringPair(t, 16, Link{Epoch: 7}, Link{Epoch: 7})
		var m Message
		for range 3 {
			s.TrySend(&m)
		}
		r.own.ack = 3
		for range 15 {
			if err := s.TrySend(&m); err != nil {
				t.Fatal(err)
			}
		}
		r.own.ack, r.own.state = c.ack, c.state
		err := s.TrySend(&m)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if err != nil && err != ErrFull {
			r.own.ack, r.own.state = 10, 0
			if again := s.TrySend(&m); again != err {
				t.Errorf("%s: %v, then %v", c.name, err, again)
			}
		}
	}
}

// TestHostileCall lists the headers that no server answers with.
func TestHostileCall(t *testing.T) {
	const epoch = 7 << epochShift
	for _, c := range []struct {
		name          string
		header, state uint64
		want          error
	}{
		{"not yet", makeHeader(epoch, 8, 1, 1), 0, ErrEmpty},
		{"answer", makeHeader(epoch, 8, 1, 2), 0, nil},
		{"closed by the line", makeHeader(epoch, 0, typeClose, 2), 0, ErrClosed},
		{"closed by the state word", makeHeader(epoch, 8, 1, 1), closedWord(epoch), ErrClosed},
		{"request changed", makeHeader(epoch, 9, 1, 1), 0, ErrCorrupt},
		{"wrong epoch", makeHeader(8<<epochShift, 8, 1, 2), 0, ErrEpoch},
		{"length 57", makeHeader(epoch, 57, 1, 2), 0, ErrCorrupt},
		{"answer too early", makeHeader(epoch, 8, 1, 4), 0, ErrCorrupt},
		{"zeroed", 0, 0, ErrEpoch},
	} {
		client, server := callPair(t, guarded(t, 3*pageSize), Link{Epoch: 7}, Link{Epoch: 7})
		m := Message{Type: 1, Len: 8}
		if err := client.Start(&m); err != nil {
			t.Fatal(err)
		}
		client.line.header, server.own.state = c.header, c.state
		err := client.Poll(&m)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if err != nil && err != ErrEmpty {
			client.line.header = makeHeader(epoch, 8, 1, 2)
			if again := client.Poll(&m); again != err {
				t.Errorf("%s: %v, then %v", c.name, err, again)
			}
		}
	}
}

// TestBadMessage checks what is refused before anything is written.
func TestBadMessage(t *testing.T) {
	s, _ := ringPair(t, 16, Link{}, Link{})
	c, _ := callPair(t, guarded(t, 3*pageSize), Link{}, Link{})
	for _, m := range []Message{{Len: MaxPayload + 1}, {Type: TypeReserved}} {
		if err := s.TrySend(&m); err != ErrMessage || s.next != 0 {
			t.Errorf("TrySend(%v): %v", m, err)
		}
		if err := c.Call(context.Background(), &m); err != ErrMessage || c.line.header != 0 {
			t.Errorf("Call(%v): %v", m, err)
		}
	}
}
