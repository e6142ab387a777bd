package urpc

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"
)

// TestAllocations: nothing on the paths that guests run per message.
func TestAllocations(t *testing.T) {
	s, r := ringPair(t, 16, awake(), awake())
	near, far := connPair(t, 16, sampling, sampling)
	c, v := callPair(t, guarded(t, 3*pageSize), awake(), awake())
	var m Message
	var msgs [4]Message
	word := new(uint64)
	for name, f := range map[string]func(){
		"ring":    func() { s.TrySend(&m); s.Flush(); r.TryRecv(&m); r.TryRecv(&m); r.Ack() },
		"batch":   func() { s.SendBatch(msgs[:]); s.Flush(); r.RecvBatch(msgs[:]) },
		"stamped": func() { near.Sender.sample(near.Sender.next); near.TrySend(&m); far.TryRecv(&m) },
		"full": func() {
			for s.TrySend(&m) == nil {
			}
			for r.TryRecv(&m) == nil {
			}
		},
		"call": func() {
			c.Start(&m)
			c.Flush()
			c.Poll(&m)
			v.TryAccept(&m)
			v.Reply(&m)
			c.Poll(&m)
		},
		"asleep": func() { PublishAsleep(word); ClearAsleep(word) },
	} {
		if n := testing.AllocsPerRun(1000, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestSequenceWrap runs over 2^32, where a sequence becomes 0 again.
func TestSequenceWrap(t *testing.T) {
	s, r := ringPair(t, 16, awake(), awake())
	const begin = 1<<32 - 40
	s.next, s.acked, s.flushed, s.room, r.own.ack, s.seen = begin, begin, begin, begin+15, begin, begin
	s.sample(never)
	r.next, r.acked, r.rung, r.ackAt = begin, begin, begin, begin+r.every
	for i := range uint64(16) {
		n := begin - 16 + i
		s.ring[n%16].header = makeHeader(s.epoch, 0, 0, uint32(n)+1)
	}
	var m Message
	for i := range uint64(100) {
		fill(&m, i)
		if err := s.TrySend(&m); err != nil {
			t.Fatal(i, err)
		}
		m = Message{}
		if err := r.TryRecv(&m); err != nil {
			t.Fatal(i, err)
		}
		if err := verify(&m, i); err != nil {
			t.Fatal(err)
		}
		if err := r.TryRecv(&m); err != ErrEmpty {
			t.Fatal(i, err)
		}
	}
}

// TestAsleep checks parity and that no odd value comes twice.
func TestAsleep(t *testing.T) {
	var w, last uint64
	for range 10 {
		g := PublishAsleep(&w)
		if g != w || !IsAsleep(g) || g <= last {
			t.Fatalf("generation %d after %d, word %d", g, last, w)
		}
		last = g
		if w%4 == 1 {
			continue // asleep again without a clear between
		}
		ClearAsleep(&w)
		ClearAsleep(&w)
		if IsAsleep(w) {
			t.Fatalf("word %d after clear", w)
		}
	}
}

// TestBellOncePerSleep counts doorbells.
func TestBellOncePerSleep(t *testing.T) {
	var w uint64
	rings := 0
	b := &Bell{Asleep: &w, Ring: func() { rings++ }}
	for sleep := 1; sleep <= 3; sleep++ {
		b.Wake()
		PublishAsleep(&w)
		for range 5 {
			b.Wake()
		}
		if rings != sleep {
			t.Fatalf("%d rings in sleep %d", rings, sleep)
		}
		ClearAsleep(&w)
	}
	(*Bell)(nil).Wake()
	(&Bell{}).Wake()
}

// noParking is a Sleeper for tests in which there is always something to do.
type noParking struct{}

func (noParking) Sleep(context.Context, *uint64, uint64) error { return errors.New("parked") }

func (noParking) Watch(context.Context, int) (Watch, error) { return noWaiting{}, nil }

type noWaiting struct{ Watch }

func (noWaiting) Arm(int, *uint64, uint64) error { return nil }
func (noWaiting) Wait() ([]uint32, error)        { return nil, errors.New("parked") }

// TestRoomDuringFlush: the receiver empties the ring while a sender that found
// it full rings the bell. The sender must not wait for a second acknowledgement.
func TestRoomDuringFlush(t *testing.T) {
	asleep := uint64(1)
	var s *Sender
	var r *Receiver
	var m Message
	s, r = ringPair(t, 16, Link{Polls: -1, Sleeper: noParking{}, Bell: &Bell{Asleep: &asleep, Ring: func() {
		for r.TryRecv(&m) == nil {
		}
		r.Ack()
	}}}, Link{})
	for s.TrySend(&m) == nil {
	}
	if err := s.Send(context.Background(), &m); err != nil {
		t.Error(err)
	}
}

// TestArm: what Arm and ArmRoom return changes with what it waits for, and not
// before; what they judge is ready when it is.
func TestArm(t *testing.T) {
	near, far := connPair(t, 16, awake(), awake())
	var m Message
	changed := func(p Parking) bool { return atomic.LoadUint64(p.Word) != p.Old }
	p, ready := far.Arm()
	if ready || changed(p) {
		t.Error("an empty ring is ready")
	}
	if _, ready := near.ArmRoom(); !ready {
		t.Error("an empty ring has no room")
	}
	for near.TrySend(&m) == nil {
	}
	if _, ready := far.Arm(); !ready || !changed(p) {
		t.Error("a full ring is not ready")
	}
	p, ready = near.ArmRoom()
	if ready || changed(p) {
		t.Error("a full ring has room")
	}
	for far.TryRecv(&m) == nil {
	}
	if _, ready := near.ArmRoom(); !ready || !changed(p) {
		t.Error("an emptied ring has no room")
	}
	p, _ = far.Arm()
	near.Close()
	if _, ready := far.Arm(); !ready || !changed(p) {
		t.Error("a closed ring is not ready")
	}
	far.Close()
	if _, ready := near.ArmRoom(); !ready {
		t.Error("who waits for room of a closed end waits for ever")
	}
}

// TestBytes checks payload helpers at every length.
func TestBytes(t *testing.T) {
	text := []byte("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	for n := 0; n <= MaxPayload; n++ {
		var m Message
		if err := m.SetBytes(text[:n]); err != nil {
			t.Fatal(err)
		}
		if got := m.AppendTo([]byte("x")); !bytes.Equal(got[1:], text[:n]) || int(m.Len) != n {
			t.Errorf("%d bytes: %q", n, got)
		}
	}
	m := Message{Len: 255}
	if err := m.SetBytes(text[:57]); err != ErrMessage {
		t.Error(err)
	}
	if got := m.AppendTo(nil); len(got) != MaxPayload {
		t.Errorf("%d bytes of an overlong message", len(got))
	}
}

// TestViews checks what layouts are refused.
func TestViews(t *testing.T) {
	mem := guarded(t, SideBytes(16))
	for name, err := range map[string]error{
		"misaligned ring":    second(LinesOf(mem[8:], 16)),
		"short ring":         second(LinesOf(mem[:1023], 16)),
		"odd ring":           second(LinesOf(mem, 24)),
		"small ring":         second(LinesOf(mem, 8)),
		"large ring":         second(LinesOf(mem, 2*MaxLines)),
		"negative ring":      second(LinesOf(mem, -16)),
		"misaligned control": second(ControlOf(mem[32:])),
		"no line":            second(LineOf(nil)),
		"short side":         second(SideOf(mem[:pageSize], 16)),
		"nil address":        second(MemoryAt(0, 64)),
		"odd address":        second(MemoryAt(addressOf(mem)+8, 64)),
		"sender":             second(NewSender(make([]Line, 24), &Control{}, &Control{}, Link{})),
		"receiver":           second(NewReceiver(make([]Line, 16), &Control{}, nil, Link{})),
		"client":             second(NewCallClient(nil, &Control{}, &Control{}, Link{})),
	} {
		if !errors.Is(err, ErrLayout) {
			t.Errorf("%s: %v", name, err)
		}
	}
	same, err := MemoryAt(addressOf(mem), len(mem))
	if err != nil || &same[0] != &mem[0] || len(same) != len(mem) {
		t.Errorf("MemoryAt: %v", err)
	}
	if SideBytes(16) != 2*pageSize || SideBytes(4096) != pageSize+RingBytes(4096) {
		t.Errorf("side of %d and %d bytes", SideBytes(16), SideBytes(4096))
	}
}

func second[T any](_ T, err error) error { return err }
