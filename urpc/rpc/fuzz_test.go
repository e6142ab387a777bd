package rpc

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"barreleye/urpc"
)

// script reads numbers from fuzz input; at its end there are zeroes.
type script struct{ data []byte }

func (s *script) byte() (b byte) {
	if len(s.data) > 0 {
		b, s.data = s.data[0], s.data[1:]
	}
	return b
}

func (s *script) word() (w uint64) {
	for i := range 8 {
		w |= uint64(s.byte()) << (8 * i)
	}
	return w
}

// scripted is a channel of which the test is the other end.
type scripted struct {
	in     []urpc.Message
	full   bool
	closed bool
	sent   int
}

func (s *scripted) TrySend(*urpc.Message) error {
	switch {
	case s.closed:
		return urpc.ErrClosed
	case s.full:
		return urpc.ErrFull
	}
	s.sent++
	return nil
}

func (s *scripted) TryRecv(m *urpc.Message) error {
	if len(s.in) == 0 {
		return urpc.ErrEmpty
	}
	*m, s.in = s.in[0], s.in[1:]
	return nil
}

func (s *scripted) Flush()                        {}
func (s *scripted) Polls() int                    { return -1 }
func (s *scripted) Arm() (urpc.Parking, bool)     { return urpc.Parking{}, true }
func (s *scripted) ArmRoom() (urpc.Parking, bool) { return urpc.Parking{Sleeper: asleep{}}, !s.full }
func (s *scripted) Close()                        { s.closed = true }

// asleep sleeps until the Conn ends.
type asleep struct{}

func (asleep) Sleep(ctx context.Context, _ *uint64, _ uint64) error {
	<-ctx.Done()
	return ctx.Err()
}

// FuzzPeer hands a Conn the lines of a peer that does anything, between its own
// calls, given up or not, and answers. Whatever comes, memory is bounded by what
// really came and by the Config, the slots add up, the first violation ends the
// Conn for good, and a peer that keeps to the protocol is never accused.
func FuzzPeer(f *testing.F) {
	f.Add([]byte("\x00\x10\x01\x02\x03\x20\x04\x05\x06\x07\x08\x09"))
	f.Add([]byte("\x00\x90\x02\x00\x02\x00\x02\x00\x03\x00\x04\x00\x05\x01\x06\x06\x06"))
	f.Add([]byte("\x00\xff\x08\x00\x09\x30\x02\x00\x02\x00\x07\x00\x07\x01\x04"))
	const inFlight, most = 4, 500
	f.Fuzz(func(t *testing.T, data []byte) {
		in := &script{data}
		ch := &scripted{}
		c := must(New(ch, Config{InFlight: inFlight, MaxBytes: most, Services: []Service{newTester()}}))
		defer c.stop()
		ended, over := context.WithCancel(context.Background())
		over()
		honest := true
		came := 0
		c.mu.Lock()
		defer c.mu.Unlock()
		for steps := 0; len(in.data) > 0 && steps < 400; steps++ {
			op, arg := in.byte(), in.byte()
			slot := int(arg) % inFlight
			k, s := c.calls[slot], c.served[slot]
			switch op % 10 {
			case 0: // a call of ours is sent
				if n := len(c.free); n > 0 && c.err == nil {
					k := c.taken(c.free[n-1])
					c.free = c.free[:n-1]
					k.state, k.begun, k.failed, k.arrival.done = callWaiting, false, false, false
					if _, err := c.send(ended, &k.arrival, kindRequest, echo, k.id(), make([]byte, int(op)*2)); err != nil {
						c.leave(k, err)
					}
				}
			case 1: // and given up
				if k != nil && k.state == callWaiting && !k.arrival.done {
					c.leave(k, context.Canceled)
				}
			case 2, 3: // the peer answers, or goes on with its answer
				if k == nil || k.state != callWaiting && k.state != callLeft || k.arrival.done {
					continue
				}
				kind, n := kindAnswer, int(in.byte())*2
				if op&16 != 0 {
					kind = kindFailure
				}
				ch.in = append(ch.in, proper(&k.answer, k.begun, kind, kindAnswerMore, 0, k.id(), n))
			case 4: // a caller takes its answer
				if k != nil && k.state == callWaiting && k.arrival.done {
					if k.failed {
						decodeError(k.answer.body)
					}
					if len(k.answer.body) != k.answer.size {
						t.Fatalf("answer of %d bytes, %d announced", len(k.answer.body), k.answer.size)
					}
					c.release(k)
				}
			case 5: // the peer asks, or goes on asking
				switch {
				case s == nil || s.state == serveIdle:
					ch.in = append(ch.in, proper(nil, false, kindRequest, 0, uint16(op)/10, makeID(uint16(slot), uint16(steps)), int(in.byte())*2))
				case s.state == serveCollecting:
					ch.in = append(ch.in, proper(&s.request, true, 0, kindRequestMore, 0, s.id, 0))
				}
			case 6: // it gives up
				if s != nil && s.state != serveIdle {
					ch.in = append(ch.in, raw(kindCancel, 0, s.id, int(CodeCanceled+Code(arg>>7)), 0))
				}
			case 7: // we serve
				if c.queued > 0 && !ch.full && c.err == nil {
					s := c.served[c.queue[c.queueAt]]
					c.queueAt = (c.queueAt + 1) % len(c.queue)
					c.queued--
					s.state = serveRunning
					if s.why == 0 && len(s.request.body) != s.request.size {
						t.Fatalf("request of %d bytes, %d announced", len(s.request.body), s.request.size)
					}
					c.reply(s, append(s.out[:0], s.request.body...), nil)
				}
			case 8: // the ring is full, or is not
				ch.full = !ch.full
				c.giveRoom()
			case 9: // anything
				m := urpc.Message{Type: uint16(in.word()) % urpc.TypeReserved, Len: arg % (urpc.MaxPayload + 1)}
				if arg&64 != 0 {
					m = raw(kind(op%16), 0, makeID(uint16(slot), uint16(in.byte()%3)), int(in.byte()), int(arg)%49)
				} else {
					for i := range m.Words {
						m.Words[i] = in.word()
					}
				}
				ch.in = append(ch.in, m)
				honest = false
			}
			for _, m := range ch.in {
				came += int(m.Len)
			}
			before := c.err
			c.take()
			ch.in = nil
			check(t, c, before, honest, came, most)
		}
	})
}

// proper is the next line that a correct peer sends of a message, the first one
// of n bytes if it has not begun.
func proper(a *message, begun bool, first, more kind, method uint16, i id, n int) urpc.Message {
	switch {
	case begun:
		return raw(more, 0, i, a.got, min(lineBytes, a.size-a.got))
	case n > lineBytes:
		return raw(first+1, method, i, min(n, 500), lineBytes)
	}
	return raw(first, method, i, n, n)
}

func check(t *testing.T, c *Conn, before error, honest bool, came, most int) {
	t.Helper()
	switch {
	case before != nil && c.err != before:
		t.Fatalf("%v after %v", c.err, before)
	case honest && c.err != nil:
		t.Fatalf("a correct peer is accused: %v", c.err)
	case c.err != nil && !errors.Is(c.err, urpc.ErrCorrupt):
		t.Fatalf("undocumented error %v", c.err)
	}
	total := 0
	free := len(c.free)
	for i := range c.calls {
		if k := c.calls[i]; k != nil {
			total += cap(k.answer.body)
			if k.state != callFree {
				free++
			}
			if len(k.answer.body) > most || k.answer.got > k.answer.size {
				t.Fatalf("answer of %d bytes, %d of %d", len(k.answer.body), k.answer.got, k.answer.size)
			}
		} else if c.err == nil {
			continue
		}
		if s := c.served[i]; s != nil {
			total += cap(s.request.body)
			if len(s.request.body) > most {
				t.Fatalf("request of %d bytes", len(s.request.body))
			}
		}
	}
	if free != len(c.calls) || c.queued < 0 || c.queued > len(c.served) {
		t.Fatalf("%d slots of %d, %d queued", free, len(c.calls), c.queued)
	}
	if room := 2*came + 2*64*len(c.calls); total > room {
		t.Fatalf("%d bytes allocated for %d that came", total, came)
	}
}

// FuzzAssemble cuts a body into lines and puts it together: nothing is lost,
// whatever the size and the memory that was there before.
func FuzzAssemble(f *testing.F) {
	for _, n := range []int{0, 1, 47, 48, 49, 96, 97, 1000} {
		f.Add(bytes.Repeat([]byte("x"), n), uint16(n))
	}
	f.Fuzz(func(t *testing.T, body []byte, method uint16) {
		var lines []urpc.Message
		c := must(New(&collector{lines: &lines}, Config{MaxBytes: max(len(body), lineBytes)}))
		defer c.stop()
		w := newWaiter()
		c.mu.Lock()
		n, err := c.send(context.Background(), &w, kindRequest, method&methodMask, makeID(3, 9), body)
		c.mu.Unlock()
		if err != nil || n != len(lines) || n != max(1, (len(body)+lineBytes-1)/lineBytes) {
			t.Fatalf("%d bytes in %d lines, %d said: %v", len(body), len(lines), n, err)
		}
		var a message
		for i := range lines {
			l, ok := parse(&lines[i])
			if !ok || l.id != makeID(3, 9) {
				t.Fatalf("line %d: %+v", i, l)
			}
			if i == 0 {
				err = a.begin(&l, &lines[i], c.maxBytes, false)
			} else {
				err = a.more(&l, &lines[i], false)
			}
			if err != nil || a.complete() != (i == n-1) {
				t.Fatalf("line %d of %d: %v, complete %v", i, n, err, a.complete())
			}
		}
		if !bytes.Equal(a.body, body) {
			t.Fatalf("%q came as %q", body, a.body)
		}
	})
}

// collector keeps what is sent.
type collector struct {
	scripted
	lines *[]urpc.Message
}

func (c *collector) TrySend(m *urpc.Message) error {
	*c.lines = append(*c.lines, *m)
	return nil
}
