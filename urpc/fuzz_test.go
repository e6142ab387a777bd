package urpc

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
)

// The fuzzers write anything anywhere into the memory the peer may write, between
// and during the calls of one end. Memory lies between guard pages. A call must
// return, with a documented answer; what was violated once stays violated.

// script reads numbers from fuzz input; at its end there are zeroes.
type script struct{ data []byte }

func (s *script) byte() (b byte) {
	if len(s.data) > 0 {
		b, s.data = s.data[0], s.data[1:]
	}
	return b
}

func (s *script) word() uint64 {
	var b [8]byte
	s.data = s.data[copy(b[:], s.data):]
	return binary.LittleEndian.Uint64(b[:])
}

// meddler is a Sleeper that lets the peer write during the sleep, and ends the
// wait after a few.
type meddler struct {
	write func()
	left  int
}

func (m *meddler) Sleep(ctx context.Context, word *uint64, old uint64) error {
	if m.left--; m.left < 0 {
		return context.Canceled
	}
	m.write()
	return nil
}

// judge checks an answer against the documented ones and for stickiness. err is
// the answer, sticky the lasting one before (or nil); it returns the new one.
func judge(t *testing.T, err, sticky error, passing ...error) error {
	t.Helper()
	if sticky != nil {
		if err != sticky {
			t.Fatalf("%v after %v", err, sticky)
		}
		return sticky
	}
	if err == nil {
		return nil
	}
	for _, p := range passing {
		if err == p {
			return nil
		}
	}
	if err != ErrClosed && !errors.Is(err, ErrCorrupt) {
		t.Fatalf("undocumented error %v", err)
	}
	return err
}

// starts are numbers of first lines: the beginning, later laps, and the ends of
// 32 bits of sequence.
var starts = []uint64{0, 16, 5 * 16, 1<<32 - 17, 1<<32 - 1, 1<<40 + 3}

func FuzzReceiverHostileRing(f *testing.F) {
	f.Add([]byte("\x00\x40\x01\x02\x00\x00\x00\x00\x38\x07\x40\x40\x40"))
	f.Add([]byte("\x03\x10\x00\x11\x00\x12\x00\x13\x40\x40\x80\x41\x90"))
	const lines = 16
	mem := guarded(f, SideBytes(lines))
	rx := must(ControlOf(guarded(f, pageSize)))
	own := must(SideOf(guarded(f, SideBytes(lines)), lines)).Stats
	side := must(SideOf(mem, lines))
	f.Fuzz(func(t *testing.T, data []byte) {
		clear(mem)
		*rx, *own = Control{}, Stats{}
		in := &script{data}
		rings := 0
		asleep := uint64(1)
		sleep := &meddler{}
		r := must(NewReceiver(side.Ring, rx, side.Tx, Link{Epoch: 7, Polls: -1, Sleeper: sleep,
			Bell: &Bell{Asleep: &asleep, Ring: func() { rings++ }}}))
		r.recorder = &recorder{stats: own, stamps: &side.Stats.Stamps}
		begin := starts[int(in.byte())%len(starts)]
		r.next, r.acked, r.rung, r.ackAt, r.recorder.stood = begin, begin, begin, begin+r.every, begin
		for i := range uint64(lines) { // what the lap before left
			if n := begin - lines + i; begin >= lines {
				side.Ring[n%lines].header = makeHeader(r.epoch, 0, 0, uint32(n)+1)
			}
		}
		write := func() {
			l := &side.Ring[r.next%lines]
			switch op := in.byte(); op % 8 {
			case 0, 1, 2: // a proper message
				l.words[op%7] = in.word()
				l.header = makeHeader(r.epoch, in.byte()%57, uint16(in.byte()), uint32(r.next)+1) | uint64(op)&8*(stamped/8)
				side.Stats.Stamps[op>>4%stampCount] = Stamp{Line: r.next, TSC: in.word(), Messages: uint64(in.byte())}
			case 3: // close mark, or a state word
				l.header = makeHeader(r.epoch, 0, typeClose, uint32(r.next)+1)
			case 4:
				side.Tx.sent, side.Tx.state = r.next+uint64(op>>6), closedWord(r.epoch)
			case 5: // the next header, nearly right
				l.header = makeHeader(r.epoch, 0, 0, uint32(r.next)+1) ^ 1<<(in.byte()%64)
			case 6:
				wordsOf(mem)[int(in.word()%uint64(len(mem)/8))] = in.word()
			case 7:
				wordsOf(mem)[pageSize/8+int(in.byte())%(lines*8)] = in.word()
			}
		}
		sleep.write = write
		var sticky error
		for steps := 0; len(in.data) > 0 && steps < 500; steps++ {
			op := in.byte()
			for range op >> 6 {
				write()
			}
			before, m := r.next, Message{Len: 99}
			var err error
			switch op % 4 {
			case 0, 1:
				err = r.TryRecv(&m)
			case 2:
				sleep.left = 3
				err = r.Recv(context.Background(), &m)
			case 3:
				var msgs [24]Message
				var n int
				n, err = r.RecvBatch(msgs[:in.byte()%24])
				if r.next-before != uint64(n) || n > 0 && err != nil {
					t.Fatalf("batch of %d moved from %d to %d, %v", n, before, r.next, err)
				}
				for i := range n {
					if !wellFormed(msgs[i].Len, msgs[i].Type) {
						t.Fatalf("accepted %v", msgs[i])
					}
				}
				if n > 0 || err == nil {
					continue // an empty batch asks nothing
				}
			}
			sticky = judge(t, err, sticky, ErrEmpty, context.Canceled)
			if err == nil && (r.next != before+1 || !wellFormed(m.Len, m.Type)) {
				t.Fatalf("accepted %v, line %d to %d", m, before, r.next)
			}
			if err != nil && (r.next != before || m != Message{Len: 99} && op%4 != 3) {
				t.Fatalf("%v moved from %d to %d, message %v", err, before, r.next, m)
			}
			if rx.ack != 0 && (rx.ack < begin || rx.ack > r.next) || rx.state != 0 || rx.sent != 0 {
				t.Fatalf("own control %+v at %d", *rx, r.next)
			}
		}
		if rings > 1 {
			t.Fatalf("%d rings in one sleep", rings)
		}
		stood := uint64(0)
		for _, n := range own.Cells.Each {
			stood += uint64(n)
		}
		if stood > r.next-begin || own.Latency.Refused > own.Latency.Taken || own.Latency.Taken > r.next-begin {
			t.Fatalf("stamps of %d messages stand for %d, %+v", r.next-begin, stood, own.Latency)
		}
	})
}

func FuzzSenderHostileAck(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x44\x08\x00\x00\x00\x01\x02\x03"))
	const lines = 16
	mem, ctl := guarded(f, SideBytes(lines)), guarded(f, pageSize)
	side := must(SideOf(mem, lines))
	rx := must(ControlOf(ctl))
	f.Fuzz(func(t *testing.T, data []byte) {
		clear(mem)
		clear(ctl)
		in := &script{data}
		rings := 0
		asleep := uint64(0)
		sleep := &meddler{}
		s := must(NewSender(side.Ring, side.Tx, rx, Link{Epoch: 7, Polls: -1, Sleeper: sleep,
			Bell: &Bell{Asleep: &asleep, Ring: func() { rings++ }}}))
		begin := starts[int(in.byte())%len(starts)]
		s.next, s.acked, s.flushed, s.room, rx.ack, s.seen = begin, begin, begin, begin+lines-1, begin, begin
		s.sampler = &sampler{stamps: &side.Stats.Stamps, taken: &wordsOf(ctl)[LineSize/8], gap: 1}
		s.sample(begin + uint64(in.byte()))
		write := func() {
			switch in.byte() % 8 {
			case 0, 1, 2: // a proper acknowledgement
				rx.ack = s.acked + uint64(in.byte())%(s.next-s.acked+1)
			case 3:
				rx.ack = s.next + uint64(int8(in.byte()))
			case 4:
				rx.ack |= ackClosed
			case 5:
				rx.state = closedWord(s.epoch) ^ 1<<(in.byte()%64)
			case 6:
				wordsOf(ctl)[in.byte()%9] = in.word()
			case 7:
				asleep = in.word()
			}
		}
		sleep.write = write
		var sticky error
		accepted := begin // what an obedient model allows: the highest proper ack
		for steps := 0; len(in.data) > 0 && steps < 500; steps++ {
			op := in.byte()
			for range op >> 6 {
				write()
			}
			before := s.next
			m := Message{Len: op, Type: uint16(op) << 8}
			var err error
			var msgs [20]Message
			switch op % 8 {
			case 0, 1, 2, 3:
				m.Len, m.Type = 8, 1
				err = s.TrySend(&m)
			case 4:
				sleep.left = 3
				m.Len, m.Type = 8, 1
				err = s.Send(context.Background(), &m)
			case 5:
				if err = s.TrySend(&m); err == ErrMessage {
					continue
				}
			case 6:
				s.Flush()
				continue
			case 7:
				_, err = s.SendBatch(msgs[:1+op%19])
			}
			sticky = judge(t, err, sticky, ErrFull, context.Canceled)
			accepted = max(accepted, s.acked)
			if s.sampleAt < s.next || s.limit != min(s.room, s.sampleAt) && sticky == nil {
				t.Fatalf("at line %d, next sample at %d, room to %d, limit %d", s.next, s.sampleAt, s.room, s.limit)
			}
			if s.next-accepted > lines-1 || s.acked != accepted || s.next < before {
				t.Fatalf("line %d written, acknowledged %d (%d)", s.next, accepted, s.acked)
			}
			if *side.Tx != (Control{}) {
				t.Fatalf("own control %+v", *side.Tx)
			}
		}
		s.Close()
		if err := s.TrySend(&Message{}); err != ErrClosed {
			t.Fatalf("after own Close: %v", err)
		}
	})
}

func FuzzCallHostile(f *testing.F) {
	f.Add([]byte("\x00\x40\x00\x00\x38\x01\x40\x41\x42\x43"))
	f.Add([]byte("\x01\x40\x00\x00\x38\x01\x40\x41\x42\x43"))
	mem := guarded(f, 3*pageSize)
	f.Fuzz(func(t *testing.T, data []byte) {
		clear(mem)
		in := &script{data}
		sleep := &meddler{}
		asleep := uint64(1)
		link := Link{Epoch: 7, Polls: -1, Sleeper: sleep, Bell: &Bell{Asleep: &asleep, Ring: func() {}}}
		client, server := callPair(t, mem, link, link)
		isClient := in.byte()%2 == 0
		e := &server.callEnd
		if isClient {
			e = &client.callEnd
		}
		first := uint32(in.byte()) * 2 * 0x01010101
		e.seq += first
		write := func() {
			switch in.byte() % 8 {
			case 0, 1, 2, 3: // the proper next header of the peer
				e.line.words[in.byte()%7] = in.word()
				e.line.header = makeHeader(e.epoch, in.byte()%57, uint16(in.byte()), e.seq)
			case 4:
				e.line.header = makeHeader(e.epoch, 0, typeClose, e.seq)
			case 5:
				e.peer.state = closedWord(e.epoch) ^ 1<<(in.byte()%64)
			case 6:
				e.line.header = makeHeader(e.epoch, 0, 0, e.seq) ^ 1<<(in.byte()%64)
			case 7:
				wordsOf(mem)[int(in.byte()%8)] = in.word()
			}
		}
		sleep.write = write
		ctx := context.Background()
		var sticky error
		for steps := 0; len(in.data) > 0 && steps < 500; steps++ {
			op := in.byte()
			for range op >> 6 {
				write()
			}
			sleep.left = 3
			m := Message{Len: 8}
			read := false
			var err error
			switch {
			case isClient && op%4 == 0:
				err = client.Start(&m)
			case isClient && op%4 == 1:
				read, err = true, client.Poll(&m)
			case isClient && op%4 == 2:
				client.Flush()
				continue
			case isClient:
				read, err = true, client.Call(ctx, &m)
			case op%4 == 0:
				err = server.Reply(&m)
			case op%4 == 1:
				read, err = true, server.TryAccept(&m)
			default:
				read, err = true, server.Accept(ctx, &m)
			}
			sticky = judge(t, err, sticky, ErrEmpty, ErrBusy, context.Canceled)
			if read && err == nil && !wellFormed(m.Len, m.Type) {
				t.Fatalf("accepted %v", m)
			}
			if *e.own != (Control{}) {
				t.Fatalf("own control %+v", *e.own)
			}
		}
		e.close()
		if err := e.read(&Message{}); err != ErrClosed {
			t.Fatalf("after own close: %v", err)
		}
	})
}
