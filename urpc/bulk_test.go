package urpc

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"barreleye/urpc/seedtest"
)

// bulkPair makes a one-way bulk ring in guarded memory.
func bulkPair(tb testing.TB, lines int, from, to Link) (*BulkSender, *BulkReceiver) {
	a := must(SideOf(guarded(tb, SideBytes(lines)), lines))
	rx := must(ControlOf(guarded(tb, pageSize)))
	return must(NewBulkSender(a.Ring, a.Tx, rx, from)), must(NewBulkReceiver(a.Ring, rx, a.Tx, to))
}

// bulkDuplex makes a duplex bulk channel in guarded memory.
func bulkDuplex(tb testing.TB, lines int, near, far Link) (*Bulk, *Bulk) {
	a := must(SideOf(guarded(tb, SideBytes(lines)), lines))
	b := must(SideOf(guarded(tb, SideBytes(lines)), lines))
	return must(NewBulk(a, b, near)), must(NewBulk(b, a, far))
}

// fillBlocks makes consecutive lines, the first of them number i; verifyBlocks
// checks them.
func fillBlocks(blocks []Block, i uint64) {
	for k := range blocks {
		for j := range blocks[k] {
			blocks[k][j] = (i + uint64(k)) * uint64(j+1)
		}
	}
}

func verifyBlocks(blocks []Block, i uint64) error {
	for k := range blocks {
		var want [1]Block
		fillBlocks(want[:], i+uint64(k))
		if blocks[k] != want[0] {
			return fmt.Errorf("line %d reads %x, want %x", i+uint64(k), blocks[k], want[0])
		}
	}
	return nil
}

// TestBulkForms sends and takes lines by copies and in place, in portions of random
// size, through the wrap of small rings.
func TestBulkForms(t *testing.T) {
	seed := seedtest.Seed(t)
	for _, lines := range []int{16, 64, 2048} {
		rng := rand.New(rand.NewPCG(seed, uint64(lines)))
		s, r := bulkPair(t, lines, awake(), awake())
		buffer := make([]Block, lines)
		var sent, taken uint64
		for taken < uint64(*rounds) {
			n := 1 + rng.IntN(lines)
			if rng.IntN(2) == 0 {
				fillBlocks(buffer[:n], sent)
				k, err := s.SendBatch(buffer[:n])
				if (err == nil) != (k == n) || err != nil && err != ErrFull {
					t.Fatalf("%d of %d blocks sent: %v", k, n, err)
				}
				sent += uint64(k)
			} else if place, err := s.Reserve(n); err == nil {
				if len(place) == 0 || len(place) > n {
					t.Fatalf("%d lines for %d", len(place), n)
				}
				k := 1 + rng.IntN(len(place))
				fillBlocks(place[:k], sent)
				s.Commit(k)
				sent += uint64(k)
			} else if err != ErrFull || sent-taken+uint64(max(lines/8, 4)) <= uint64(lines) {
				t.Fatalf("%d lines on the way: %v", sent-taken, err)
			}
			if rng.IntN(4) == 0 {
				s.Flush()
			}
			if rng.IntN(2) == 0 {
				k, err := r.RecvBatch(buffer[:rng.IntN(lines)])
				if err != nil && err != ErrEmpty {
					t.Fatal(err)
				}
				if err := verifyBlocks(buffer[:k], taken); err != nil {
					t.Fatal(err)
				}
				taken += uint64(k)
			} else if place, err := r.Peek(); err == nil {
				if err := verifyBlocks(place, taken); err != nil {
					t.Fatal(err)
				}
				k := rng.IntN(len(place) + 1)
				r.Release(k)
				taken += uint64(k)
			} else if err != ErrEmpty {
				t.Fatal(err)
			}
			if taken > sent {
				t.Fatalf("%d taken of %d sent", taken, sent)
			}
		}
	}
}

// TestBulkTold: lines are seen when their index is published, which a Flush, a full
// ring and every quarter of a small one do.
func TestBulkTold(t *testing.T) {
	s, r := bulkPair(t, 16, awake(), awake())
	var b [16]Block
	there := func() uint64 {
		r.Peek()
		return r.have
	}
	s.SendBatch(b[:3])
	if n := there(); n != 0 {
		t.Errorf("%d lines seen of a batch not published", n)
	}
	s.Flush()
	if n := there(); n != 3 {
		t.Errorf("%d lines seen after a Flush, want 3", n)
	}
	s.SendBatch(b[:6])
	r.Release(3)
	if n := there(); n != 7 {
		t.Errorf("%d lines seen, want those up to the index, 7", n)
	}
	if n, err := s.SendBatch(b[:]); n != 7 || err != ErrFull {
		t.Errorf("%d blocks and %v on a full ring, want 7", n, err)
	}
	r.Release(4)
	if n := there(); n != 16 {
		t.Errorf("%d lines seen of a full ring", n)
	}
}

// TestBulkStress sends through a small ring, so that both ends block all the
// time, with random delays on both sides, and closes: every line arrives.
func TestBulkStress(t *testing.T) {
	eachSetting(t, func(t *testing.T, polls int) {
		seed := seedtest.Seed(t)
		a, b, ab, ba := twoCores(t, seed, polls)
		sender, receiver := bulkPair(t, 16, ab, ba)
		ctx := deadline(t)
		n := uint64(*rounds)
		errs := make(chan error, 1)
		go func() {
			wait := delays(seed, 3)
			rng := rand.New(rand.NewPCG(seed, 6))
			var blocks [24]Block
			for i := uint64(0); i < n; {
				k := min(1+rng.Uint64N(24), n-i)
				fillBlocks(blocks[:k], i)
				if err := sender.Send(ctx, blocks[:k]); err != nil {
					errs <- fmt.Errorf("send %d: %w", i, err)
					return
				}
				i += k
				wait()
			}
			sender.Close()
			errs <- nil
		}()
		wait := delays(seed, 4)
		rng := rand.New(rand.NewPCG(seed, 7))
		var blocks [24]Block
		for i := uint64(0); i < n; {
			k, err := receiver.Recv(ctx, blocks[:1+rng.IntN(24)])
			if err != nil {
				t.Fatalf("receive %d: %v (sender: %d sleeps, receiver: %d)", i, err, a.sleeps(), b.sleeps())
			}
			if err := verifyBlocks(blocks[:k], i); err != nil {
				t.Fatal(err)
			}
			i += uint64(k)
			wait()
		}
		if _, err := receiver.Recv(ctx, blocks[:]); err != ErrClosed {
			t.Errorf("after the close: %v", err)
		}
		if err := <-errs; err != nil {
			t.Error(err)
		}
		if polls < 0 && (a.sleeps() == 0 || b.sleeps() == 0) {
			t.Errorf("sender slept %d times, receiver %d: the test blocks too little", a.sleeps(), b.sleeps())
		}
	})
}

// TestBulkConversation answers every portion without a Flush: Wait must flush the
// sender it is paired with before it parks.
func TestBulkConversation(t *testing.T) {
	eachSetting(t, func(t *testing.T, polls int) {
		seed := seedtest.Seed(t)
		_, _, ab, ba := twoCores(t, seed, polls)
		near, far := bulkDuplex(t, 16, ab, ba)
		ctx := deadline(t)
		done := make(chan bool)
		defer func() { near.Close(); <-done }() // memory goes away after it
		go func() {
			defer close(done)
			var blocks [8]Block
			for {
				n, err := far.Recv(ctx, blocks[:])
				if err != nil {
					return
				}
				far.SendBatch(blocks[:n])
			}
		}()
		wait := delays(seed, 4)
		var blocks [8]Block
		for i := uint64(0); i < uint64(*rounds)/4; i += 8 {
			fillBlocks(blocks[:], i)
			if n, err := near.SendBatch(blocks[:]); err != nil {
				t.Fatal(n, err)
			}
			for k := 0; k < 8; {
				n, err := near.Recv(ctx, blocks[:8-k])
				if err != nil {
					t.Fatalf("answer to %d: %v", i, err)
				}
				if err := verifyBlocks(blocks[:n], i+uint64(k)); err != nil {
					t.Fatal(err)
				}
				k += n
			}
			wait()
		}
	})
}

// TestBulkClose: what was committed before a close arrives, whoever closes, with a
// full ring, and whether or not it was published.
func TestBulkClose(t *testing.T) {
	for _, sent := range []int{0, 1, 3, 4, 16} {
		s, r := bulkPair(t, 16, awake(), awake())
		var blocks [20]Block
		fillBlocks(blocks[:sent], 0)
		s.SendBatch(blocks[:sent])
		s.Close()
		s.Close()
		s.Flush()
		if n, err := r.RecvBatch(blocks[:]); n != sent || sent > 0 && err != nil || verifyBlocks(blocks[:n], 0) != nil {
			t.Errorf("%d of %d lines after the close: %v", n, sent, err)
		}
		if _, err := r.Peek(); err != ErrClosed {
			t.Errorf("after %d lines: %v, want ErrClosed", sent, err)
		}
		if _, err := s.Reserve(1); err != ErrClosed {
			t.Errorf("on a closed sender: %v, want ErrClosed", err)
		}
		s.Commit(1) // of what Reserve would have returned: no harm
	}
	s, r := bulkPair(t, 16, awake(), awake())
	s.SendBatch(make([]Block, 16))
	place, _ := r.Peek()
	r.Close()
	r.Release(len(place))
	if _, err := r.Peek(); err != ErrClosed {
		t.Errorf("on a closed receiver: %v, want ErrClosed", err)
	}
	if _, err := s.Reserve(1); err != ErrClosed {
		t.Errorf("send to a closed receiver: %v, want ErrClosed", err)
	}
}

// TestBulkWrongIndex: each index that no correct sender publishes is an error for
// ever, and no line is taken.
func TestBulkWrongIndex(t *testing.T) {
	const e = 7 << epochShift
	for name, c := range map[string]struct {
		index uint64
		want  error
	}{
		"backwards":             {e | 3, ErrCorrupt},
		"nothing new":           {e | 4 | 1<<54, ErrCorrupt},
		"beyond the ring":       {e | 4 + 17, ErrCorrupt},
		"closed, beyond":        {e | indexClosed | 21, ErrCorrupt},
		"closed, backwards":     {e | indexClosed | 3, ErrCorrupt},
		"another epoch":         {8<<epochShift | 5, ErrEpoch},
		"zero again":            {0, ErrEpoch},
		"as far as there is":    {e | 20, nil},
		"closed, nothing after": {e | indexClosed | 4, ErrClosed},
	} {
		link := awake()
		link.Epoch = 7
		s, r := bulkPair(t, 16, link, link)
		s.SendBatch(make([]Block, 4))
		r.RecvBatch(make([]Block, 4))
		r.Ack()
		publish(&s.own.index, c.index)
		_, err := r.Peek()
		if !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if c.want == nil {
			continue
		}
		publish(&s.own.index, e|5)
		if _, again := r.Peek(); again != err {
			t.Errorf("%s: %v, then %v", name, err, again)
		}
	}
}

// TestBulkWrongAck: so is each acknowledgement that no correct receiver publishes.
func TestBulkWrongAck(t *testing.T) {
	for ack, want := range map[uint64]error{
		3: ErrCorrupt, 17: ErrCorrupt, 1<<63 | 17: ErrCorrupt, 1 << 62: ErrCorrupt, 1<<63 | 4: ErrClosed, 4: ErrFull, 5: nil, 16: nil,
	} {
		s, r := bulkPair(t, 16, awake(), awake())
		s.SendBatch(make([]Block, 4))
		r.RecvBatch(make([]Block, 4))
		s.SendBatch(make([]Block, 12))
		s.Flush() // has seen the acknowledgement of four
		s.limit, s.acked = s.next, 4
		publish(&r.own.ack, ack)
		if ack == 4 {
			s.SendBatch(make([]Block, 5))
		}
		_, err := s.Reserve(1)
		if !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("acknowledgement %#x: %v, want %v", ack, err, want)
		}
	}
}

// TestBulkAllocations: nothing on the paths that guests run per batch.
func TestBulkAllocations(t *testing.T) {
	s, r := bulkPair(t, 16, awake(), awake())
	var b [8]Block
	for name, f := range map[string]func(){
		"copies": func() { s.SendBatch(b[:]); s.Flush(); r.RecvBatch(b[:]); r.RecvBatch(b[:]) },
		"in place": func() {
			s.Reserve(4)
			s.Commit(4)
			s.Flush()
			r.Peek()
			r.Release(4)
			r.Ack()
		},
		"full": func() {
			for _, err := s.SendBatch(b[:]); err == nil; _, err = s.SendBatch(b[:]) {
			}
			for _, err := r.RecvBatch(b[:]); err == nil; _, err = r.RecvBatch(b[:]) {
			}
		},
		"arm": func() { s.ArmRoom(); r.Arm() },
	} {
		if n := testing.AllocsPerRun(1000, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestBulkArm: what Arm and ArmRoom return changes with what it waits for, and not
// before; what they judge is ready when it is.
func TestBulkArm(t *testing.T) {
	near, far := bulkDuplex(t, 16, awake(), awake())
	changed := func(p Parking) bool { return atomic.LoadUint64(p.Word) != p.Old }
	p, ready := far.Arm()
	if ready || changed(p) {
		t.Error("an empty ring is ready")
	}
	if _, ready := near.ArmRoom(); !ready {
		t.Error("an empty ring has no room")
	}
	near.SendBatch(make([]Block, 16))
	if _, ready := far.Arm(); !ready || !changed(p) {
		t.Error("a full ring is not ready")
	}
	p, ready = near.ArmRoom()
	if ready || changed(p) {
		t.Error("a full ring has room")
	}
	far.RecvBatch(make([]Block, 16))
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

// TestBulkMisuse: more than was handed out is a mistake that cannot pass.
func TestBulkMisuse(t *testing.T) {
	s, r := bulkPair(t, 16, awake(), awake())
	s.SendBatch(make([]Block, 4))
	r.Peek()
	for name, f := range map[string]func(){
		"Commit":          func() { s.Commit(13) },
		"negative Commit": func() { s.Commit(-1) },
		"Release":         func() { r.Release(5) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s of too many lines passed", name)
				}
			}()
			f()
		}()
	}
	if err := second(NewBulkSender(make([]Line, 24), &Control{}, &Control{}, Link{})); !errors.Is(err, ErrLayout) {
		t.Error(err)
	}
	if err := second(NewBulkReceiver(make([]Line, 16), &Control{}, nil, Link{})); !errors.Is(err, ErrLayout) {
		t.Error(err)
	}
}

// TestBuryBulk: a peer of a dead core gets what its index told of and then
// ErrClosed, also where the core died before its first index, or in its Close, and
// also where the peer waits.
func TestBuryBulk(t *testing.T) {
	for _, sent := range []int{0, 1, 3, 4, 16} {
		for _, closing := range []bool{false, true} {
			a, b := side(t, guarded(t, SideBytes(16)), 16), side(t, guarded(t, SideBytes(16)), 16)
			link := Link{Epoch: 3}
			from, to := must(NewBulk(a, b, link)), must(NewBulk(b, a, link))
			blocks := make([]Block, 16)
			fillBlocks(blocks, 0)
			from.SendBatch(blocks[:sent])
			told := sent &^ 3
			if closing {
				from.BulkSender.Close()
				told = sent
			}
			BuryBulk(a, 3)
			n, err := to.RecvBatch(blocks)
			if n != told || told > 0 && err != nil || verifyBlocks(blocks[:n], 0) != nil {
				t.Errorf("%d lines of %d: %v", n, told, err)
			}
			if _, err := to.Recv(context.Background(), blocks); err != ErrClosed {
				t.Errorf("after %d lines: %v, want ErrClosed", n, err)
			}
			to.SendBatch(blocks[:1])
			to.Flush()
			if err := to.Send(context.Background(), blocks[:1]); err != ErrClosed {
				t.Errorf("send to a dead core: %v, want ErrClosed", err)
			}
		}
	}
}

// TestBuryBulkParked: whoever waits for a dead core is woken.
func TestBuryBulkParked(t *testing.T) {
	for _, sends := range []bool{false, true} {
		ctx := deadline(t)
		_, b, ab, ba := twoCores(t, seedtest.Seed(t), -1)
		dead, peer := side(t, guarded(t, SideBytes(16)), 16), side(t, guarded(t, SideBytes(16)), 16)
		must(NewBulk(dead, peer, ab))
		waits := must(NewBulk(peer, dead, ba))
		got := make(chan error)
		go func() {
			if sends {
				got <- waits.Send(ctx, make([]Block, 17))
				return
			}
			_, err := waits.Recv(ctx, make([]Block, 1))
			got <- err
		}()
		for b.sleeps() == 0 { // parked, or nearly
			Yield{}.Sleep(ctx, nil, 0)
		}
		BuryBulk(dead, 7)
		ab.Bell.Wake()
		if err := <-got; err != ErrClosed {
			t.Errorf("the peer's wait ends with %v, want ErrClosed", err)
		}
	}
}
