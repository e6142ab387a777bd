package urpc

import (
	"context"
	"fmt"
	"sync/atomic"
)

// newCallEnd checks the memory that both constructors take. The client's turn is
// first.
func newCallEnd(line *Line, own, peer *Control, client bool, link Link) (callEnd, error) {
	if line == nil || own == nil || peer == nil {
		return callEnd{}, fmt.Errorf("call line or control block missing: %w", ErrLayout)
	}
	link = link.withDefaults()
	e := callEnd{line: line, own: own, peer: peer, epoch: link.epoch(), turn: client, link: link, pauses: 4}
	if !client {
		e.seq = 1
	}
	return e, nil
}

// write fills the line and hands the turn over: ErrBusy out of turn, ErrMessage,
// or the sticky error.
func (e *callEnd) write(m *Message) error {
	switch {
	case e.err != nil:
		return e.err
	case !e.turn:
		return ErrBusy
	case !wellFormed(m.Len, m.Type):
		return ErrMessage
	}
	h := makeHeader(e.epoch, m.Len, m.Type, e.seq+1)
	e.idle = h
	e.seq += 2
	e.turn = false
	e.unflushed = true
	putWords(e.line, m)
	e.noteWrite(uint32(h))
	publish(&e.line.header, h)
	return nil
}

// read takes the peer's line if it is there: ErrEmpty if not, ErrBusy in our own
// turn, ErrClosed, or an error that wraps ErrCorrupt.
func (e *callEnd) read(m *Message) error {
	if e.err != nil {
		return e.err
	}
	if e.turn {
		return ErrBusy
	}
	h := atomic.LoadUint64(&e.line.header)
	want := e.epoch | uint64(e.seq)
	if (h^want)&(seqMask|epochMask) != 0 || !wellFormed(headerLength(h), headerType(h)) {
		return e.judge(h)
	}
	e.noteRead(e.seq)
	getWords(m, e.line)
	m.Type, m.Len = headerType(h), headerLength(h)
	e.turn = true
	e.unflushed = false // it wrote after our header, so it is awake
	return nil
}

// judge says what header h, which is no message for us, means.
func (e *callEnd) judge(h uint64) error {
	switch {
	case h == e.idle:
		err := checkState(e.peer, e.epoch)
		switch {
		case err == nil:
			if e.stats != nil {
				e.stats.Recv.Polls++
			}
			return ErrEmpty
		case err == ErrClosed && atomic.LoadUint64(&e.line.header) != h:
			return ErrEmpty // written before the close; the next call takes it
		}
		return e.fail(err)
	case h&epochMask != e.epoch:
		return e.fail(fmt.Errorf("call line: header %#x, epoch %d expected: %w", h, e.link.Epoch, ErrEpoch))
	case h == makeHeader(e.epoch, 0, typeClose, e.seq):
		return e.fail(ErrClosed)
	}
	return e.fail(fmt.Errorf("call line: header %#x, sequence %d expected: %w", h, e.seq, ErrCorrupt))
}

// fail makes err the answer of every later call.
func (e *callEnd) fail(err error) error {
	e.err = err
	return err
}

// flush wakes the peer's core if it sleeps and has not shown since our last line
// that it does not.
func (e *callEnd) flush() {
	if e.unflushed {
		e.unflushed = false
		if e.link.Bell.Wake() && e.stats != nil {
			e.stats.Send.Wakes++
		}
	}
}

// How long to wait before the first poll. The line moves with the right to
// write it when it is read, so a round trip can do with two transfers; but a
// poll that comes after the peer has read our line and before it has written
// its own takes the line away from it, and costs two transfers more. Nothing
// tells when that is over but experience: each end waits as many PAUSEs as made
// its first poll find the line last time, and tries one less now and then.
const (
	minPauses = 1
	maxPauses = 12
	tryLess   = 32 // first polls that succeed before one PAUSE less is tried
)

// learn adapts the wait to what the first poll found.
func (e *callEnd) learn(found bool) {
	switch {
	case !found:
		e.pauses = min(e.pauses+1, maxPauses)
		e.hits = 0
	case e.hits < tryLess:
		e.hits++
	default:
		e.pauses = max(e.pauses-1, minPauses)
		e.hits = 0
	}
}

// wait takes the peer's line, polling first, then fencing and ringing, then
// parking on the header.
func (e *callEnd) wait(ctx context.Context, m *Message) error {
	for {
		for i := 0; i <= e.link.Polls; i++ {
			if i == 0 {
				pause(e.pauses)
			} else {
				pause(1)
			}
			err := e.read(m)
			if i == 0 {
				e.learn(err == nil)
			}
			if err != ErrEmpty {
				return err
			}
			if i == flushPolls {
				e.flush()
			}
		}
		e.flush()
		if err := e.read(m); err != ErrEmpty {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.stats != nil {
			e.stats.Recv.Parks++
		}
		p := Parking{e.link.Sleeper, &e.line.header, e.idle}
		if err := p.Sleep(ctx); err != nil {
			return err
		}
	}
}

// close marks the control block, and the line too if it is this end's turn.
func (e *callEnd) close() {
	if e.closed {
		return
	}
	e.closed = true
	publish(&e.own.state, closedWord(e.epoch))
	fence()
	if !e.turn && e.err == nil {
		h := atomic.LoadUint64(&e.line.header)
		e.turn = (h^(e.epoch|uint64(e.seq)))&(seqMask|epochMask) == 0
	}
	if e.turn {
		publish(&e.line.header, makeHeader(e.epoch, 0, typeClose, e.seq+1))
	}
	e.fail(ErrClosed)
	e.link.Bell.Wake()
}
