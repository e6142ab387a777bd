package urpc

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
)

// TestHistogramCells: the cells follow each other without gaps, each counts what
// its range says, and none is wider than a 32nd of it beyond the first ones.
func TestHistogramCells(t *testing.T) {
	next := uint64(0)
	for i := range HistogramCells {
		low, high := CellRange(i)
		if low != next || cellOf(low) != i || cellOf(high-1) != i {
			t.Fatalf("cell %d: %d to %d, cell before ends at %d; these are counted in %d and %d", i, low, high, next, cellOf(low), cellOf(high-1))
		}
		if width := high - low; width > 1<<cellUnit && width*cellHalf > low {
			t.Fatalf("cell %d: %d to %d", i, low, high)
		}
		next = high
	}
	if next != 1<<33 || cellOf(next) != HistogramCells-1 || cellOf(^uint64(0)) != HistogramCells-1 {
		t.Errorf("cells end at %d, longer ones count in %d and %d", next, cellOf(next), cellOf(^uint64(0)))
	}
}

// TestHistogramFull: a cell without room halves all.
func TestHistogramFull(t *testing.T) {
	var h Histogram
	h.record(1000, 1<<31)
	h.record(5000, 1<<30)
	h.record(1000, 1<<31-1)
	h.record(1000, 1<<40) // as 1<<31
	want := map[int]uint32{cellOf(1000): 1<<31 - 1 + 1<<31, cellOf(5000): 1 << 29}
	for cell, n := range h.Each {
		if n != want[cell] {
			t.Errorf("cell %d holds %d, want %d", cell, n, want[cell])
		}
		delete(want, cell)
	}
	if len(want) > 0 {
		t.Errorf("nothing in cells %v", want)
	}
}

// TestCounts: each count of a conversation whose every step is known.
func TestCounts(t *testing.T) {
	asleep := uint64(1)
	sleep := &meddler{}
	near, far, from, to := statPair(t, 16, Link{Epoch: 7, Polls: -1, Sleeper: sleep, Bell: &Bell{Asleep: &asleep, Ring: func() {}}})
	var m Message
	for i := range 15 {
		if err := near.TrySend(&m); err != nil {
			t.Fatal(i, err)
		}
	}
	near.Sender.Flush()
	near.Sender.Flush() // nothing to flush
	if err := near.TrySend(&m); err != ErrFull {
		t.Fatal(err)
	}
	if n, err := near.SendBatch(make([]Message, 3)); n != 0 || err != ErrFull {
		t.Fatal(n, err)
	}
	var msgs [16]Message
	if n, err := far.RecvBatch(msgs[:]); n != 15 || err != nil {
		t.Fatal(n, err)
	}
	if err := far.TryRecv(&m); err != ErrEmpty {
		t.Fatal(err)
	}
	sleep.write, sleep.left = func() {}, 1
	if err := near.Recv(context.Background(), &m); err != context.Canceled {
		t.Fatal(err)
	}
	if want := (SendCounts{Messages: 15, Batches: 1, Stalls: 2, Wakes: 1}); from.Send != want {
		t.Errorf("near sent %+v, want %+v", from.Send, want)
	}
	if want := (RecvCounts{Messages: 15, Polls: 1}); to.Recv != want {
		t.Errorf("far received %+v, want %+v", to.Recv, want)
	}
	// looks once before each of both sleeps, and polls not at all
	if want := (RecvCounts{Polls: 2, Parks: 2}); from.Recv != want {
		t.Errorf("near received %+v, want %+v", from.Recv, want)
	}
	if to.Latency != (Latency{}) || to.Cells != (Histogram{}) {
		t.Errorf("latencies without being asked for: %+v", to.Latency)
	}
}

// statPair makes a duplex channel as connPair does, and returns what its ends count.
func statPair(tb testing.TB, lines int, link Link) (near, far *Conn, from, to *Stats) {
	a := must(SideOf(guarded(tb, SideBytes(lines)), lines))
	b := must(SideOf(guarded(tb, SideBytes(lines)), lines))
	return must(NewConn(a, b, link)), must(NewConn(b, a, link)), a.Stats, b.Stats
}

// sampling is a link that asks for latencies.
var sampling = Link{Epoch: 7, Latency: true}

// TestLatencies: what is recorded is not longer than what was measured around it,
// and a sender that is slow has every message stamped.
func TestLatencies(t *testing.T) {
	near, far, _, s := statPair(t, 64, sampling)
	longest := uint64(0)
	for i := range uint64(100) {
		m := Message{Len: 8, Type: 3}
		fill(&m, i)
		begin := timestamp()
		if err := near.TrySend(&m); err != nil {
			t.Fatal(err)
		}
		m = Message{}
		if err := far.TryRecv(&m); err != nil || verify(&m, i) != nil {
			t.Fatal(i, m, err)
		}
		end := timestamp()
		longest = max(longest, end-begin)
		for timestamp()-end < sampleEvery {
		}
	}
	n := uint64(0)
	for _, count := range s.Cells.Each {
		n += uint64(count)
	}
	if n != 100 || s.Latency.Taken != 100 || s.Latency.Refused != 0 {
		t.Errorf("%d of 100 messages recorded; %+v", n, s.Latency)
	}
	if s.Latency.Max > longest {
		t.Errorf("longest latency %d cycles, %d around it", s.Latency.Max, longest)
	}
}

// TestSampling: messages arrive whole whatever carries a stamp, one by one and in
// batches, on rings that fill up; in a stream only a few carry one.
func TestSampling(t *testing.T) {
	asleep := uint64(1)
	link := sampling
	link.Bell = &Bell{Asleep: &asleep, Ring: func() {}}
	near, far, from, s := statPair(t, 256, link)
	rng := rand.New(rand.NewPCG(1, 2))
	var sent, got uint64
	var out, in [100]Message
	for got < 1<<20 {
		if rng.IntN(2) == 0 {
			msgs := out[:rng.IntN(len(out))]
			for i := range msgs {
				fill(&msgs[i], sent+uint64(i))
			}
			n, err := near.SendBatch(msgs)
			if err != nil && err != ErrFull {
				t.Fatal(err)
			}
			sent += uint64(n)
		} else {
			if rng.IntN(10) == 0 {
				near.Sender.Flush() // which rings
				asleep += 2
			}
			for range rng.IntN(100) {
				fill(&out[0], sent)
				if err := near.TrySend(&out[0]); err == ErrFull {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				sent++
			}
		}
		n, err := far.RecvBatch(in[:rng.IntN(len(in))])
		if err != nil && err != ErrEmpty {
			t.Fatal(err)
		}
		for i := range n {
			if err := verify(&in[i], got); err != nil {
				t.Fatal(err)
			}
			got++
		}
	}
	if n := s.Latency.Taken; n == 0 || n > got/10 || s.Latency.Refused != 0 {
		t.Errorf("%d of %d messages stamped, %d refused", n, got, s.Latency.Refused)
	}
	stood := uint64(0)
	for _, n := range s.Cells.Each {
		stood += uint64(n)
	}
	if stood > got || stood+4*sampleAtMost < got {
		t.Errorf("the stamps stand for %d of %d messages", stood, got)
	}
	if s.Recv.Messages != got || from.Send.Messages != sent {
		t.Errorf("counted %d sent, %d received, were %d and %d", from.Send.Messages, s.Recv.Messages, sent, got)
	}
}

// TestHostileStamps: a sender that writes anything as a stamp garbles the
// latencies of its channel, not its messages, and no cell outside.
func TestHostileStamps(t *testing.T) {
	for _, c := range []struct {
		name    string
		tamper  func(s *Stamp)
		refused uint64
		taken   int // cells that count
	}{
		{"in order", func(*Stamp) {}, 0, 1},
		{"another line", func(s *Stamp) { s.Line++ }, 1, 0},
		{"the future", func(s *Stamp) { s.TSC += 1 << 60 }, 1, 0},
		{"the first cycle", func(s *Stamp) { s.TSC = 0 }, 0, 1},
		{"for none", func(s *Stamp) { s.Messages = 0 }, 0, 0},
		{"for more than there were", func(s *Stamp) { s.Messages = 1 << 60 }, 0, 1},
	} {
		near, far, from, s := statPair(t, 16, sampling)
		var m Message
		near.TrySend(&m)
		c.tamper(&from.Stamps[0])
		if err := far.TryRecv(&m); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		cells := 0
		for _, n := range s.Cells.Each {
			if cells++; n != 1 {
				t.Errorf("%s: stood for %d messages", c.name, n)
			}
		}
		if s.Latency.Refused != c.refused || s.Latency.Taken != 1 || cells != c.taken {
			t.Errorf("%s: %+v, %d cells", c.name, s.Latency, cells)
		}
	}
	// a receiver that says anything of what it took
	near, far, _, to := statPair(t, 16, sampling)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range uint64(1000) {
		to.Latency.Taken = rng.Uint64() >> rng.UintN(64)
		near.Sender.sample(near.Sender.next)
		var m Message
		fill(&m, i)
		if err := near.TrySend(&m); err != nil {
			t.Fatal(err)
		}
		if err := far.TryRecv(&m); err != nil || verify(&m, i) != nil {
			t.Fatal(m, err)
		}
	}
}

// TestUnreadStamps: a receiver that keeps no latencies gets every message, and
// soon no stamps.
func TestUnreadStamps(t *testing.T) {
	near, far := connPair(t, 16, sampling, Link{Epoch: 7})
	for i := range uint64(100) {
		near.Sender.sample(near.Sender.next)
		var m Message
		fill(&m, i)
		if err := near.TrySend(&m); err != nil {
			t.Fatal(err)
		}
		if err := far.TryRecv(&m); err != nil || verify(&m, i) != nil {
			t.Fatal(m, err)
		}
	}
	if n := near.Sender.sampler.number; n != stampCount {
		t.Errorf("%d stamps written", n)
	}
}

// TestStampedAndDead: stamped messages that a dead core had finished arrive.
func TestStampedAndDead(t *testing.T) {
	mem := [2][]byte{guarded(t, SideBytes(16)), guarded(t, SideBytes(16))}
	a, b := must(SideOf(mem[0], 16)), must(SideOf(mem[1], 16))
	near, far := must(NewConn(a, b, sampling)), must(NewConn(b, a, sampling))
	var m Message
	for range stampCount {
		near.Sender.sample(near.Sender.next)
		near.TrySend(&m)
	}
	BurySide(a, b, 7)
	for i := range stampCount {
		if err := far.TryRecv(&m); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := far.TryRecv(&m); err != ErrClosed {
		t.Error(err)
	}
	if n := b.Stats.Latency.Taken; n != stampCount {
		t.Errorf("%d stamps taken", n)
	}
}

// TestBulkSampling: lines arrive in order whatever index is stamped, and the stamps
// stand for them; no index is told of later than the flush before it.
func TestBulkSampling(t *testing.T) {
	a := must(SideOf(guarded(t, SideBytes(256)), 256))
	b := must(SideOf(guarded(t, SideBytes(256)), 256))
	asleep := uint64(1)
	link := sampling
	link.Bell = &Bell{Asleep: &asleep, Ring: func() {}}
	near, far := must(NewBulk(a, b, link)), must(NewBulk(b, a, sampling))
	rng := rand.New(rand.NewPCG(1, 2))
	var sent, got uint64
	var out, in [100]Block
	for got < 1<<20 {
		blocks := out[:rng.IntN(len(out))]
		for i := range blocks {
			blocks[i][0] = sent + uint64(i)
		}
		n, err := near.SendBatch(blocks)
		if err != nil && err != ErrFull {
			t.Fatal(err)
		}
		sent += uint64(n)
		if rng.IntN(2) == 0 {
			near.BulkSender.Flush()
		}
		if rng.IntN(10) == 0 {
			asleep += 2 // and the sender rings
		}
		n, err = far.RecvBatch(in[:rng.IntN(len(in))])
		if err != nil && err != ErrEmpty {
			t.Fatal(err)
		}
		for i := range n {
			if in[i][0] != got {
				t.Fatalf("line %d holds %d", got, in[i][0])
			}
			got++
		}
	}
	stood := uint64(0)
	for _, n := range b.Stats.Cells.Each {
		stood += uint64(n)
	}
	if s := b.Stats.Latency; s.Taken == 0 || s.Refused != 0 || stood > sent || stood+4*sampleAtMost < got {
		t.Errorf("of %d lines: %+v, the stamps stand for %d", got, s, stood)
	}
	if a.Stats.Send.Wakes == 0 || a.Stats.Send.Stalls == 0 || b.Stats.Recv.Polls == 0 {
		t.Errorf("%+v %+v", a.Stats.Send, b.Stats.Recv)
	}
}

// TestCallRecord counts calls and times some of them.
func TestCallRecord(t *testing.T) {
	asleep := uint64(1)
	link := Link{Epoch: 7, Polls: -1, Bell: &Bell{Asleep: &asleep, Ring: func() {}}}
	client, server := callPair(t, guarded(t, 3*pageSize), link, Link{Epoch: 7})
	s := must(StatsOf(guarded(t, pageSize)))
	client.Record(s)
	const calls = 1000
	longest := uint64(0)
	for i := range uint64(calls) {
		var m Message
		fill(&m, i)
		begin := timestamp()
		if err := client.Start(&m); err != nil {
			t.Fatal(err)
		}
		client.Flush()
		if err := client.Poll(&m); err != ErrEmpty {
			t.Fatal(err)
		}
		if err := errors.Join(server.TryAccept(&m), server.Reply(&m), client.Poll(&m), verify(&m, i)); err != nil {
			t.Fatal(err)
		}
		longest = max(longest, timestamp()-begin)
	}
	stood := uint64(0)
	for _, n := range s.Cells.Each {
		stood += uint64(n)
	}
	if s.Send != (SendCounts{Messages: calls, Wakes: 1}) || s.Recv != (RecvCounts{Messages: calls, Polls: calls}) {
		t.Errorf("%+v %+v", s.Send, s.Recv)
	}
	if n := s.Latency.Taken; n == 0 || n > calls || stood > calls || stood < n || s.Latency.Max > longest {
		t.Errorf("%+v stand for %d of %d calls, the longest of which took %d", s.Latency, stood, calls, longest)
	}

	// what is given up is not counted as answered, and what is out of turn or too
	// long not at all
	gone, stop := context.WithCancel(context.Background())
	stop()
	m := Message{Len: 8}
	if err := client.Call(gone, &m); err != context.Canceled {
		t.Fatal(err)
	}
	if err := client.Start(&m); err != ErrBusy {
		t.Fatal(err)
	}
	if err := errors.Join(server.TryAccept(&m), server.Reply(&m)); err != nil {
		t.Fatal(err)
	}
	if err := client.Call(gone, &Message{Len: 99}); err != ErrMessage {
		t.Fatal(err)
	}
	if s.Send.Messages != calls+1 || s.Recv.Messages != calls {
		t.Errorf("%+v %+v", s.Send, s.Recv)
	}

	// the next client, that of a peer's next life, counts and times on
	client, server = callPair(t, guarded(t, 3*pageSize), link, Link{Epoch: 7})
	client.Record(s)
	taken := s.Latency.Taken
	if err := errors.Join(client.Start(&m), server.TryAccept(&m), server.Reply(&m), client.Poll(&m)); err != nil {
		t.Fatal(err)
	}
	if s.Send.Messages != calls+2 || s.Recv.Messages != calls+1 || s.Latency.Taken != taken+1 {
		t.Errorf("%+v %+v %+v", s.Send, s.Recv, s.Latency)
	}
}
