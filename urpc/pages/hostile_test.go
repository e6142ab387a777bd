package pages

import (
	"errors"
	"testing"

	"barreleye/urpc"
)

// scripted is a channel of which the test is the other end.
type scripted struct {
	in     []urpc.Message
	sent   []urpc.Message
	full   bool
	closed bool
}

func (s *scripted) TrySend(m *urpc.Message) error {
	switch {
	case s.closed:
		return urpc.ErrClosed
	case s.full:
		return urpc.ErrFull
	}
	s.sent = append(s.sent, *m)
	return nil
}

func (s *scripted) TryRecv(m *urpc.Message) error {
	if len(s.in) == 0 {
		return urpc.ErrEmpty
	}
	*m, s.in = s.in[0], s.in[1:]
	return nil
}

func (s *scripted) Flush()                    {}
func (s *scripted) Polls() int                { return -1 }
func (s *scripted) Arm() (urpc.Parking, bool) { return urpc.Parking{Sleeper: urpc.Yield{}}, false }
func (s *scripted) ArmRoom() (urpc.Parking, bool) {
	return urpc.Parking{Sleeper: urpc.Yield{}}, !s.full
}
func (s *scripted) Close() { s.closed = true }

// put adds a line to what the peer sent.
func (s *scripted) put(l line) {
	var m urpc.Message
	l.encode(&m)
	s.in = append(s.in, m)
}

// against makes core 0 of four with pools of 16 pages with cores 1 and 2, which
// are scripts.
func against(t testing.TB) (p *Pool, one, two *scripted) {
	c := cores(t, 4, 16)[0]
	one, two = &scripted{}, &scripted{}
	p = must(c.Pool(1, one))
	must(c.Pool(2, two))
	return p, one, two
}

// TestHostilePeer: a line that no correct peer sends ends that pool, changes
// nothing of anybody's pages, and no other pool.
func TestHostilePeer(t *testing.T) {
	hand := func(first, count uint32) line {
		return line{kind: kindHand, run: run{first, count}, size: 1, generation: 1}
	}
	for name, l := range map[string]line{
		"a page of this core's":            hand(3, 1),
		"a run that reaches into its own":  hand(7, 2),
		"outside the pool":                 hand(16, 1),
		"reaches outside the pool":         hand(15, 2),
		"no pages":                         hand(8, 0),
		"wraps round":                      hand(0xffffffff, 2),
		"longer than its pages":            {kind: kindHand, run: run{8, 1}, size: PageSize + 1, generation: 1},
		"generation that was there":        {kind: kindHand, run: run{8, 1}, generation: 0},
		"generation of the future":         {kind: kindHand, run: run{8, 1}, generation: 2},
		"home what was never given":        {kind: kindHome, run: run{0, 1}, generation: 1},
		"home to a page's other home":      {kind: kindHome, run: run{8, 1}, generation: 1},
		"home with contents":               {kind: kindHome, run: run{8, 1}, size: 1, generation: 1},
		"a grant of this pool":             {kind: kindGrant, run: run{8, 1}, generation: 1, other: 0},
		"a grant of its pool with itself":  {kind: kindGrant, run: run{8, 1}, generation: 1, other: 1},
		"a grant of no core's":             {kind: kindGrant, run: run{8, 1}, generation: 1, other: 4},
		"a grant of no core's, far away":   {kind: kindGrant, run: run{8, 1}, generation: 1, other: 1 << 40},
		"a grant outside the pool":         {kind: kindGrant, run: run{15, 2}, generation: 1, other: 3},
		"returns what was not granted":     {kind: kindBack, run: run{8, 1}, generation: 1, other: 2},
		"returns free what was not":        {kind: kindDrop, run: run{8, 1}, generation: 1, other: 2},
		"no such kind":                     {kind: 6, run: run{8, 1}, generation: 1},
		"no kind":                          {kind: 0, run: run{8, 1}, generation: 1},
		"a pool where there is but one":    {kind: kindHand, run: run{8, 1}, generation: 1, other: 3},
		"free pages with a tag":            {kind: kindHome, run: run{0, 1}, generation: 1, tag: 4},
		"a size that is no size of any":    {kind: kindHand, run: run{8, 1}, size: 1 << 63, generation: 1},
		"grant of pages the size is above": {kind: kindGrant, run: run{0, 2}, size: 3 * PageSize, generation: 1, other: 3},
	} {
		t.Run(name, func(t *testing.T) {
			p, one, _ := against(t)
			kept := must(p.TryTake(PageSize))
			one.put(l)
			_, _, err := p.TryReceive()
			is(t, err, urpc.ErrCorrupt)
			if !one.closed {
				t.Error("the channel is not closed")
			}
			_, _, again := p.TryAccept()
			if again != err {
				t.Errorf("then the error is %v, before %v", again, err)
			}
			is(t, p.Give(background, kept, 0), urpc.ErrCorrupt)
			if kept.Bytes() == nil {
				t.Error("pages in hand are gone")
			}
			if _, err := p.core.pools[2].TryTake(1); err != nil {
				t.Errorf("the pool with another peer: %v", err)
			}
		})
	}
}

// TestReplays: what was right once is not right twice.
func TestReplays(t *testing.T) {
	for name, second := range map[string]line{
		"the same line":                   {kind: kindHand, run: run{8, 4}, size: 9, generation: 1},
		"the same pages":                  {kind: kindHand, run: run{8, 4}, size: 9, generation: 2},
		"some of these pages":             {kind: kindHand, run: run{11, 2}, generation: 2},
		"granted pages that were granted": {kind: kindGrant, run: run{3, 1}, generation: 3, other: 3},
	} {
		t.Run(name, func(t *testing.T) {
			p, one, _ := against(t)
			one.put(line{kind: kindHand, run: run{8, 4}, size: 9, generation: 1})
			if second.kind == kindGrant {
				one.put(line{kind: kindGrant, run: run{2, 2}, generation: 2, other: 3})
			}
			one.put(second)
			q, _, err := p.TryReceive()
			is(t, err, nil)
			if q.Len() != 9 || &q.Bytes()[0] != &p.shelf.mem[8*PageSize] {
				t.Errorf("%d bytes, not those of page 8", q.Len())
			}
			_, _, err = p.TryReceive()
			is(t, err, urpc.ErrCorrupt)
		})
	}
}

// TestLiarKeepsItsLoan: what was granted to a core that broke the protocol is not
// used again, for nobody stopped that core.
func TestLiarKeepsItsLoan(t *testing.T) {
	p, _, two := against(t)
	is(t, p.Grant(background, must(p.TryTake(PageSize)), 2, 0), nil)
	two.put(line{kind: kindDrop, run: run{1, 1}, generation: 1, other: 1})
	_, _, err := p.core.pools[2].TryReceive()
	is(t, err, urpc.ErrCorrupt)
	if _, err := p.TryTake(p.Size()); err != ErrNone {
		t.Errorf("all pages can be taken: %v", err)
	}
	if _, err := p.TryTake(p.Size() - PageSize); err != nil {
		t.Errorf("the pool that the pages are of: %v", err)
	}
}

// FuzzLine: the reader takes what it wrote, and refuses everything else without
// harm.
func FuzzLine(f *testing.F) {
	f.Add(uint16(kindHand), uint8(lineBytes), uint64(1)<<32, uint64(1), uint64(1), uint64(0), uint64(0), uint64(0))
	f.Add(uint16(kindGrant), uint8(lineBytes), uint64(2)<<32|7, uint64(8192), uint64(9), uint64(5), uint64(3), uint64(0))
	f.Add(uint16(kindHome), uint8(0), ^uint64(0), ^uint64(0), uint64(1), uint64(1), uint64(1), uint64(1))
	f.Fuzz(func(t *testing.T, typ uint16, length uint8, w0, w1, w2, w3, w4, w5 uint64) {
		m := urpc.Message{Type: typ, Len: length, Words: [urpc.WordCount]uint64{w0, w1, w2, w3, w4, w5}}
		var l line
		if err := l.decode(&m); err != nil {
			is(t, err, urpc.ErrCorrupt)
			return
		}
		var back urpc.Message
		if l.encode(&back); back != m {
			t.Fatalf("%+v is read as %+v, which is written as %+v", m, l, back)
		}
	})
}

// FuzzPool: between any lines of a peer and anything that the program does, the
// books are in order: no page is at two places, and none is had that another
// core was not told to give away.
func FuzzPool(f *testing.F) {
	f.Add([]byte{0, 0, 1, 8, 1, 1, 4, 0, 0, 2, 9, 1})
	f.Add([]byte{2, 3, 0, 3, 8, 8, 1, 4, 4, 9, 2, 2, 0, 7, 9, 0, 0, 0, 0, 0})
	f.Add([]byte{2, 5, 0, 5, 0, 5, 1, 1, 4, 0, 0, 4, 1, 1, 1, 5, 0, 0, 2})
	f.Fuzz(func(t *testing.T, data []byte) {
		next := func() (b byte) {
			if len(data) > 0 {
				b, data = data[0], data[1:]
			}
			return b
		}
		p, one, two := against(t)
		p.roomer, p.waiting.watched = true, true // no goroutines of its own
		q := p.core.pools[2]
		q.roomer, q.waiting.watched = true, true
		var hand []Pages
		keep := func(r Pages, err error) {
			if err == nil {
				hand = append(hand, r)
				r.Bytes()[:cap(r.Bytes())][0]++
			}
		}
		for len(data) > 0 {
			pool, peer := p, one
			if b := next(); b&1 != 0 {
				pool, peer = q, two
			} else {
				one.full = b&0x80 != 0
			}
			switch op := next() % 8; op {
			case 0, 1, 7:
				l := line{kind: kind(next() % 7), run: run{uint32(next() % 20), uint32(next() % 5)},
					size: uint64(next()) << 6, generation: pool.in + 1, other: uint64(next() % 5)}
				if l.kind < kindGrant {
					l.other = 0
				}
				if l.kind == kindHome || l.kind == kindDrop {
					l.size = 0
				}
				if next() == 0xff {
					l.generation--
				}
				peer.put(l)
			case 2:
				keep(pool.TryTake(int(next()) << 8))
			case 3:
				r, _, err := pool.TryReceive()
				keep(r, err)
			case 4:
				r, _, err := pool.TryAccept()
				keep(r, err)
			default:
				if len(hand) == 0 {
					continue
				}
				i := int(next()) % len(hand)
				r := hand[i]
				hand = append(hand[:i], hand[i+1:]...)
				var err error
				switch {
				case op == 5 && !one.full:
					err = r.pool.Give(background, r, 0)
				case op == 6 && !one.full && r.pool == p && r.shelf == p.shelf:
					err = p.Grant(background, r, 2, 0)
				default:
					err = r.Release()
				}
				if err != nil && !errors.Is(err, urpc.ErrClosed) && !errors.Is(err, urpc.ErrCorrupt) && err != ErrGone {
					t.Fatal(err)
				}
			}
			inOrder(t, p)
			inOrder(t, q)
		}
	})
}

// inOrder wants the books of a pool to be possible.
func inOrder(t *testing.T, p *Pool) {
	t.Helper()
	lent := newBitmap(int(p.shelf.pages()))
	for _, q := range p.core.pools {
		if q == nil {
			continue
		}
		for _, n := range q.lent {
			if n.of != p {
				continue
			}
			if !lent.none(n.run) {
				t.Fatalf("pages %v are lent twice", n.run)
			}
			lent.set(n.run)
		}
	}
	for i := range p.shelf.pages() {
		r, places := run{i, 1}, 0
		for _, b := range []bitmap{p.free, p.due, p.shelf.hand, lent} {
			if b.all(r) {
				places++
			}
		}
		mine := p.mine.all(r)
		lost := mine && places == 0 && p.core.pools[2].err != nil // lent to a liar
		if places > 1 || places == 1 && !mine || mine && places == 0 && !lost {
			t.Fatalf("page %d is mine: %v, and at %d places", i, mine, places)
		}
		if p.free.all(r) && !p.home(r) {
			t.Fatalf("page %d is free, but not at home", i)
		}
	}
}
