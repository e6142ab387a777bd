package urpc

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"barreleye/urpc/seedtest"
)

// broadcastTo makes a broadcast in guarded memory, with a receiver per link of
// the members. to are the writer's links.
func broadcastTo(tb testing.TB, to, members []Link) (*Broadcaster, Broadcast, []*Receiver) {
	tb.Helper()
	page := must(BroadcastOf(guarded(tb, pageSize)))
	var controls []*Control
	var ends []*Receiver
	for _, link := range members {
		c := must(ControlOf(guarded(tb, pageSize)))
		controls = append(controls, c)
		ends = append(ends, must(NewReceiver(page.Ring, c, page.Tx, link)))
	}
	return must(NewBroadcaster(page.Ring, page.Tx, controls, to)), page, ends
}

// TestBroadcast: three members take every message, in order, while each side
// sleeps again and again.
func TestBroadcast(t *testing.T) {
	const members = 3
	eachSetting(t, func(t *testing.T, polls int) {
		seed := seedtest.Seed(t)
		ctx := deadline(t)
		writer := newCore(t, new(uint64), delays(seed, 1))
		var to, from []Link
		var cores []*core
		for i := range uint64(members) {
			c := newCore(t, new(uint64), delays(seed, 2+i))
			cores = append(cores, c)
			to, from = append(to, writer.linkTo(c, polls)), append(from, c.linkTo(writer, polls))
		}
		b, _, ends := broadcastTo(t, to, from)
		n := uint64(*rounds) / 4
		errs := make(chan error, members)
		for i, r := range ends {
			go func() {
				wait := delays(seed, 10+uint64(i))
				var m Message
				for k := range n {
					if err := r.Recv(ctx, &m); err != nil {
						errs <- fmt.Errorf("member %d, message %d: %w", i, k, err)
						return
					}
					if err := verify(&m, k); err != nil {
						errs <- err
						return
					}
					wait()
				}
				if err := r.Recv(ctx, &m); err != ErrClosed {
					errs <- fmt.Errorf("member %d after the close: %v", i, err)
				}
				errs <- nil
			}()
		}
		wait := delays(seed, 20)
		var m Message
		for k := range n {
			fill(&m, k)
			if err := b.Send(ctx, &m); err != nil {
				t.Fatalf("send %d: %v", k, err)
			}
			wait()
		}
		b.Close()
		b.Close()
		if err := b.TrySend(&m); err != ErrClosed {
			t.Errorf("send after the close: %v", err)
		}
		for range members {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		for i, c := range cores {
			if err := b.Left(i); err != nil {
				t.Errorf("member %d was left out: %v", i, err)
			}
			if polls < 0 && c.sleeps() == 0 {
				t.Errorf("member %d never slept", i)
			}
		}
	})
}

// TestBroadcastWaitsForAll: no line is written again before every member
// that is left has acknowledged it.
func TestBroadcastWaitsForAll(t *testing.T) {
	links := []Link{awake(), awake()}
	b, _, ends := broadcastTo(t, links, links)
	var m Message
	sent := uint64(0)
	fillUp := func() {
		for ; b.TrySend(&m) == nil; sent++ {
			fill(&m, sent+1)
		}
	}
	fill(&m, 0)
	fillUp()
	if sent != BroadcastLines-1 {
		t.Fatalf("%d messages without an acknowledgement", sent)
	}
	for range 8 {
		if err := ends[0].TryRecv(&m); err != nil {
			t.Fatal(err)
		}
	}
	fill(&m, sent)
	fillUp()
	if sent != BroadcastLines-1 {
		t.Fatalf("%d messages, with one member's acknowledgement", sent)
	}
	for i := range uint64(8) {
		if err := ends[1].TryRecv(&m); err != nil {
			t.Fatal(err)
		}
		if err := verify(&m, i); err != nil {
			t.Fatal(err)
		}
	}
	fill(&m, sent)
	fillUp()
	if sent != BroadcastLines-1+8 {
		t.Errorf("%d messages, with both members' acknowledgement of 8", sent)
	}
	b.LeaveOut(1)
	for ends[0].TryRecv(&m) == nil {
	}
	ends[0].Ack()
	fill(&m, sent)
	if err := b.TrySend(&m); err != nil {
		t.Errorf("a member that was left out holds up the others: %v", err)
	}
}

// TestBroadcastGoesOnWithoutMembers: a member that closes, dies or lies ends the
// writer's wait for it, and no one else's messages.
func TestBroadcastGoesOnWithoutMembers(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(r *Receiver)
		want error
	}{
		"closes":         {func(r *Receiver) { r.Close() }, ErrClosed},
		"dies":           {func(r *Receiver) { BuryListener(r.own, 7) }, ErrClosed},
		"future ack":     {func(r *Receiver) { publish(&r.own.ack, 1000) }, ErrCorrupt},
		"state":          {func(r *Receiver) { publish(&r.own.state, 5); publish(&r.own.ack, 1) }, ErrCorrupt},
		"of other epoch": {func(r *Receiver) { publish(&r.own.state, closedWord(6<<epochShift)); publish(&r.own.ack, 1) }, ErrEpoch},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := deadline(t)
			writer, member, to, from := twoCores(t, seedtest.Seed(t), -1)
			b, _, ends := broadcastTo(t, []Link{to, to}, []Link{from, from})
			var m Message
			for b.TrySend(&m) == nil {
			}
			for ends[1].TryRecv(&m) == nil {
			}
			ends[1].Ack()
			sent := make(chan error)
			go func() { sent <- b.Send(ctx, &m) }()
			for writer.sleeps() == 0 {
				Yield{}.Sleep(ctx, nil, 0)
			}
			c.end(ends[0])
			member.linkTo(writer, 0).Bell.Wake() // as the VMM does, or the member's bell
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
			if err := b.Left(0); !errors.Is(err, c.want) {
				t.Errorf("left out because of %v, want %v", err, c.want)
			}
			if err := b.Left(1); err != nil {
				t.Errorf("the other was left out: %v", err)
			}
			if err := ends[1].Recv(ctx, &m); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestBuryBroadcaster: each member of a dead core's broadcast gets what was sent,
// wherever it stands, and then ErrClosed; cores that are no members change
// nothing.
func TestBuryBroadcaster(t *testing.T) {
	for _, sent := range []int{0, 1, 31, 32, 33, 64, 100} {
		for _, behind := range []int{0, 1, 17, 30} {
			links := []Link{awake(), awake()}
			b, page, ends := broadcastTo(t, links, links)
			var m Message
			taken := [2]int{}
			for k := range sent {
				fill(&m, uint64(k))
				if err := b.TrySend(&m); err != nil {
					t.Fatal(err)
				}
				for i, most := range []int{k + 1, k + 1 - behind} {
					for taken[i] < most {
						if err := ends[i].TryRecv(&m); err != nil {
							t.Fatal(err)
						}
						taken[i]++
					}
					ends[i].Ack()
				}
			}
			stranger := &Control{}
			BuryBroadcaster(page, []*Control{stranger, ends[1].own, stranger, ends[0].own, stranger}, awake().Epoch)
			for i, r := range ends {
				for k := taken[i]; k < sent; k++ {
					if err := r.TryRecv(&m); err != nil {
						t.Fatalf("%d sent, member %d, message %d: %v", sent, i, k, err)
					}
					if err := verify(&m, uint64(k)); err != nil {
						t.Fatal(err)
					}
				}
				if err := r.TryRecv(&m); err != ErrClosed {
					t.Errorf("%d sent, member %d: %v after the last, want ErrClosed", sent, i, err)
				}
			}
		}
	}
}

// TestBuryBroadcasterEndsWaits: a member that is parked learns of the death, of a
// core with no other member too.
func TestBuryBroadcasterEndsWaits(t *testing.T) {
	ctx := deadline(t)
	writer, member, to, from := twoCores(t, seedtest.Seed(t), -1)
	_, page, ends := broadcastTo(t, []Link{to}, []Link{from})
	got := make(chan error)
	go func() { got <- ends[0].Recv(ctx, &Message{}) }()
	for member.sleeps() == 0 {
		Yield{}.Sleep(ctx, nil, 0)
	}
	BuryBroadcaster(page, []*Control{ends[0].own}, 7)
	writer.linkTo(member, 0).Bell.Wake()
	if err := <-got; err != ErrClosed {
		t.Error(err)
	}
}

// TestBroadcastLayout: what is refused.
func TestBroadcastLayout(t *testing.T) {
	page := guarded(t, pageSize)
	ring, c := make([]Line, 16), &Control{}
	for name, err := range map[string]error{
		"short page":      second(BroadcastOf(page[:pageSize-64])),
		"no page":         second(BroadcastOf(nil)),
		"odd ring":        second(NewBroadcaster(ring[:15], c, []*Control{c}, []Link{{}})),
		"no members":      second(NewBroadcaster(ring, c, nil, nil)),
		"no own block":    second(NewBroadcaster(ring, nil, []*Control{c}, []Link{{}})),
		"no member block": second(NewBroadcaster(ring, c, []*Control{nil}, []Link{{}})),
		"one link":        second(NewBroadcaster(ring, c, []*Control{c, c}, []Link{{}})),
	} {
		if !errors.Is(err, ErrLayout) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBroadcastAllocations: neither end allocates.
func TestBroadcastAllocations(t *testing.T) {
	links := []Link{awake(), awake()}
	b, _, ends := broadcastTo(t, links, links)
	var m Message
	n := testing.AllocsPerRun(1000, func() {
		b.Send(context.Background(), &m)
		for _, r := range ends {
			r.TryRecv(&m)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzBroadcasterHostileMember: one member writes anything, the other obeys. The
// writer never overtakes the one that obeys, and ends.
func FuzzBroadcasterHostileMember(f *testing.F) {
	f.Add([]byte("\x00\x08\x41\x02\x83\x00\x00\x00\x00\x00\x00\x00\x80"))
	f.Fuzz(func(t *testing.T, data []byte) {
		in := &script{data}
		sleep := &meddler{}
		asleep := uint64(1)
		link := Link{Epoch: 7, Polls: -1, Sleeper: sleep, Bell: &Bell{Asleep: &asleep, Ring: func() {}}}
		b, page, ends := broadcastTo(t, []Link{link, link}, []Link{awake(), {Epoch: 7}})
		liar, honest := ends[0].own, ends[1]
		taken := uint64(0)
		write := func() {
			switch op := in.byte(); op % 6 {
			case 0:
				liar.ack = b.next - uint64(op>>4)
			case 1:
				liar.ack |= ackClosed
			case 2:
				liar.state = closedWord(b.epoch) ^ 1<<(in.byte()%64)
			case 3:
				liar.ack = in.word()
			default:
				var m Message
				for honest.TryRecv(&m) == nil {
					if m.Words[0] != taken {
						t.Fatalf("message %d is %d", taken, m.Words[0])
					}
					taken++
				}
				honest.Ack()
			}
		}
		sleep.write = write
		for steps := 0; len(in.data) > 0 && steps < 500; steps++ {
			sleep.left = 3
			op := in.byte()
			m := Message{Words: [WordCount]uint64{b.next}}
			var err error
			switch op % 4 {
			case 0:
				write()
			case 1:
				err = b.TrySend(&m)
			case 2:
				err = b.Send(context.Background(), &m)
			case 3:
				b.Flush()
			}
			if err != nil && err != ErrFull && err != context.Canceled {
				t.Fatalf("undocumented error %v", err)
			}
			if b.next-taken > BroadcastLines-1 {
				t.Fatalf("line %d written, %d taken", b.next, taken)
			}
			if err := b.Left(1); err != nil {
				t.Fatalf("the honest member was left out: %v", err)
			}
			if *page.Tx != (Control{}) {
				t.Fatalf("own control %+v", *page.Tx)
			}
		}
	})
}

// FuzzBuryBroadcaster: whatever the dead core left, a member that waits for its
// next line finds it changed, and gets a documented answer.
func FuzzBuryBroadcaster(f *testing.F) {
	f.Add([]byte("\x00\x05\x00\x01\x41\x42"))
	f.Fuzz(func(t *testing.T, data []byte) {
		in := &script{data}
		link := Link{Epoch: 7}
		b, page, ends := broadcastTo(t, []Link{link}, []Link{link})
		r := ends[0]
		var m Message
		for range in.byte() {
			b.TrySend(&m)
			if err := r.TryRecv(&m); err != nil {
				t.Fatal(err)
			}
		}
		for steps := 0; len(in.data) > 0 && steps < 100; steps++ {
			at := uint64(in.byte())
			l := &page.Ring[at%BroadcastLines]
			switch in.byte() % 4 {
			case 0:
				l.header = in.word()
			case 1:
				l.header = makeHeader(r.epoch, 0, 0, uint32(r.next)+uint32(int8(in.byte())))
			case 2:
				page.Tx.state, page.Tx.sent = in.word(), uint64(in.byte())
			case 3:
				l.header = makeHeader(r.epoch, 0, typeClose, uint32(r.next)+1)
			}
		}
		r.Ack()
		if r.TryRecv(&m) != ErrEmpty {
			return // it does not park
		}
		BuryBroadcaster(page, []*Control{{}, r.own}, 7)
		if h := page.Ring[r.next%BroadcastLines].header; h == r.seen {
			t.Fatalf("header %#x of line %d unchanged", h, r.next)
		}
		for range BroadcastLines + 1 {
			err := r.TryRecv(&m)
			switch {
			case err == nil:
				continue
			case err == ErrEmpty:
				t.Fatal("a member waits on")
			}
			judge(t, err, nil)
			return
		}
		t.Fatal("more messages than lines")
	})
}
