package pages

import (
	"context"
	"testing"

	"barreleye/urpc"
)

var background = context.Background()

// TestHandOver: the peer gets the very memory, and the giver has nothing left.
func TestHandOver(t *testing.T) {
	x, y := pair(t, 16, 16)
	p := must(x.TryTake(2*PageSize + 5))
	if b := p.Bytes(); len(b) != 2*PageSize+5 || cap(b) != 3*PageSize {
		t.Fatalf("%d bytes, room for %d", len(b), cap(b))
	}
	p.Bytes()[2*PageSize+4] = 7
	at := &p.Bytes()[0]
	copied := p
	is(t, x.Give(background, p, 42), nil)
	for _, gone := range []Pages{p, copied} {
		is(t, x.Give(background, gone, 0), ErrGone)
		is(t, gone.Release(), ErrGone)
		if gone.Bytes() != nil {
			t.Fatal("pages that were handed over can still be had")
		}
	}
	q, tag, err := y.TryReceive()
	if err != nil || tag != 42 || q.Len() != 2*PageSize+5 || &q.Bytes()[0] != at || q.Bytes()[2*PageSize+4] != 7 {
		t.Fatalf("tag %d, %d bytes, error %v", tag, q.Len(), err)
	}
	if _, _, err := y.TryReceive(); err != ErrEmpty {
		t.Fatalf("error %v, want %v", err, ErrEmpty)
	}
	// back with an answer of another length
	is(t, y.Give(background, must(q.Cut(3*PageSize)), 43), nil)
	r, tag, err := x.TryReceive()
	if err != nil || tag != 43 || r.Len() != 3*PageSize || &r.Bytes()[0] != at {
		t.Fatalf("tag %d, %d bytes, error %v", tag, r.Len(), err)
	}
	is(t, r.Release(), nil)
	wantWhole(t, x)
}

// wantWhole wants all pages that are at home at a core to be free there.
func wantWhole(t *testing.T, p *Pool) {
	t.Helper()
	q, err := p.TryTake(p.Size())
	if err != nil {
		t.Fatalf("core %d: its half of the pool with core %d: %v", p.core.cfg.Self, p.peer, err)
	}
	is(t, q.Release(), nil)
}

// TestMistakes: what a program does wrong changes nothing.
func TestMistakes(t *testing.T) {
	list := cores(t, 3, 8)
	x, _ := connect(t, list, 0, 1, 16)
	other, _ := connect(t, list, 0, 2, 16)
	for _, n := range []int{0, -1, x.Size() + 1} {
		_, err := x.TryTake(n)
		is(t, err, ErrSize)
	}
	p := must(x.TryTake(1))
	for _, n := range []int{-1, PageSize + 1} {
		_, err := p.Cut(n)
		is(t, err, ErrSize)
	}
	is(t, other.Give(background, p, 0), ErrPool)
	is(t, other.Grant(background, p, 1, 0), ErrPool)
	for _, core := range []int{-1, 0, 1, 3} {
		is(t, x.Grant(background, p, core, 0), ErrPool)
	}
	var none Pages
	is(t, x.Give(background, none, 0), ErrGone)
	is(t, x.Grant(background, none, 2, 0), ErrGone)
	is(t, none.Release(), ErrGone)
	if none.Bytes() != nil {
		t.Fatal("no pages have memory")
	}
	is(t, p.Release(), nil)
	wantWhole(t, x)
	for _, peer := range []int{-1, 0, 1, 3} {
		_, err := list[0].Pool(peer, nil)
		is(t, err, ErrConfig)
	}
	for _, pages := range []int{0, 1, 3} {
		_, err := cores(t, 2, pages)[0].Pool(1, nil)
		is(t, err, ErrConfig)
	}
}

// TestTakeWaits: for pages that another goroutine of this core releases, and for
// those that the peer does.
func TestTakeWaits(t *testing.T) {
	limit(t)
	x, y := pair(t, 8, 16)
	took := make(chan Pages)
	take := func() {
		p, err := x.Take(background, x.Size())
		if err != nil {
			t.Error(err)
		}
		took <- p
	}
	p := must(x.TryTake(x.Size()))
	_, err := x.TryTake(1)
	is(t, err, ErrNone)
	go take()
	until(t, x, 1)
	is(t, p.Release(), nil)
	p = <-took
	is(t, x.Give(background, p, 0), nil)
	go take()
	until(t, x, 1)
	q, _, err := y.TryReceive()
	is(t, err, nil)
	is(t, q.Release(), nil)
	<-took

	ctx, cancel := context.WithCancel(background)
	go func() {
		_, err := x.Take(ctx, 1)
		if err != context.Canceled {
			t.Errorf("error %v, want the context's", err)
		}
		took <- Pages{}
	}()
	until(t, x, 1)
	cancel()
	<-took
}

// until returns when so many goroutines wait for something to happen in a pool.
func until(t *testing.T, p *Pool, n int) {
	t.Helper()
	for {
		p.core.mu.Lock()
		parked := len(p.waiting.parked)
		p.core.mu.Unlock()
		if parked == n {
			return
		}
		urpc.Yield{}.Sleep(background, nil, 0)
	}
}

// TestGrant: to a third core and back, in both ways.
func TestGrant(t *testing.T) {
	list := cores(t, 3, 8)
	ab, _ := connect(t, list, 0, 1, 16)
	ac, ca := connect(t, list, 0, 2, 16)
	p := must(ab.TryTake(PageSize))
	p.Bytes()[9] = 9
	at := &p.Bytes()[0]
	is(t, ab.Grant(background, p, 2, 5), nil)
	is(t, p.Release(), ErrGone)
	if _, _, err := ca.TryReceive(); err != ErrEmpty {
		t.Fatalf("a grant was received: %v", err)
	}
	q, tag, err := ca.TryAccept()
	if err != nil || tag != 5 || &q.Bytes()[0] != at || q.Bytes()[9] != 9 {
		t.Fatalf("tag %d, error %v", tag, err)
	}
	q.Bytes()[9] = 10
	is(t, ca.Give(background, q, 6), nil)
	is(t, q.Release(), ErrGone)
	p, tag, err = ac.TryReceive()
	if err != nil || tag != 6 || &p.Bytes()[0] != at || p.Bytes()[9] != 10 {
		t.Fatalf("tag %d, error %v", tag, err)
	}
	is(t, ab.Grant(background, p, 2, 7), nil)
	q, _, err = ca.TryAccept()
	is(t, err, nil)
	is(t, q.Release(), nil)
	if _, _, err := ac.TryReceive(); err != ErrEmpty {
		t.Fatalf("released pages were received: %v", err)
	}
	wantWhole(t, ab)
}

// TestGrantsCannotBePassedOn: granted pages go back to who granted them only.
func TestGrantsCannotBePassedOn(t *testing.T) {
	list := cores(t, 4, 8)
	ab, _ := connect(t, list, 0, 1, 16)
	connect(t, list, 0, 2, 16)
	cd, _ := connect(t, list, 2, 3, 16)
	ca := list[2].pools[0]
	is(t, ab.Grant(background, must(ab.TryTake(1)), 2, 0), nil)
	q, _, err := ca.TryAccept()
	is(t, err, nil)
	is(t, cd.Give(background, q, 0), ErrPool)
	is(t, cd.Grant(background, q, 0, 0), ErrPool)
	is(t, ca.Grant(background, q, 3, 0), ErrPool)
	if q.Bytes() == nil {
		t.Fatal("the pages are gone")
	}
}

// TestGrantsEndWithTheirHolder: the pages are free again, although nobody of the
// granting core's program looks at the channel to the dead one.
func TestGrantsEndWithTheirHolder(t *testing.T) {
	limit(t)
	list := cores(t, 3, 8)
	ab, _ := connect(t, list, 0, 1, 16)
	_, ca := connect(t, list, 0, 2, 16)
	is(t, ab.Grant(background, must(ab.TryTake(ab.Size())), 2, 0), nil)
	q, _, err := ca.TryAccept()
	is(t, err, nil)
	ca.Close()
	if q.Bytes() != nil {
		t.Fatal("granted pages can be had after the pool was closed")
	}
	p, err := ab.Take(background, ab.Size())
	is(t, err, nil)
	is(t, p.Release(), nil)
}

// TestPeerCloses: what was given before is received, then there is an error.
func TestPeerCloses(t *testing.T) {
	limit(t)
	x, y := pair(t, 8, 16)
	kept, given := must(y.TryTake(PageSize)), must(x.TryTake(PageSize))
	is(t, x.Give(background, given, 1), nil)
	x.Close()
	_, err := x.TryTake(1)
	is(t, err, urpc.ErrClosed)
	p, tag, err := y.Receive(background)
	if err != nil || tag != 1 {
		t.Fatalf("tag %d, error %v", tag, err)
	}
	_, _, err = y.Receive(background)
	is(t, err, urpc.ErrClosed)
	_, err = y.Take(background, PageSize)
	is(t, err, urpc.ErrClosed)
	is(t, y.Give(background, kept, 0), urpc.ErrClosed)
	if kept.Bytes() == nil {
		t.Fatal("pages in hand are gone")
	}
	is(t, p.Release(), nil)
	is(t, kept.Release(), nil)
}

// TestAllocations: the fast path takes nothing from the heap.
func TestAllocations(t *testing.T) {
	x, y := pair(t, 64, 64)
	for _, n := range []int{1, 5 * PageSize, x.Size()} {
		around := func() {
			is(t, x.Give(background, must(x.TryTake(n)), 1), nil)
			p, _, err := y.TryReceive()
			is(t, err, nil)
			is(t, p.Release(), nil)
		}
		for range 100 {
			around()
		}
		if got := testing.AllocsPerRun(1000, around); got != 0 {
			t.Errorf("%v allocations to hand over %d bytes", got, n)
		}
	}
	list := cores(t, 3, 64)
	ab, _ := connect(t, list, 0, 1, 64)
	_, ca := connect(t, list, 0, 2, 64)
	ac := list[0].pools[2]
	lend := func() {
		is(t, ab.Grant(background, must(ab.TryTake(PageSize)), 2, 1), nil)
		p, _, err := ca.TryAccept()
		is(t, err, nil)
		is(t, ca.Give(background, p, 0), nil)
		p, _, err = ac.Receive(background)
		is(t, err, nil)
		is(t, p.Release(), nil)
	}
	for range 100 {
		lend()
	}
	if got := testing.AllocsPerRun(1000, lend); got >= 1 {
		t.Errorf("%v allocations per grant", got)
	}
}
