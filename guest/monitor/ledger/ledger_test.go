package ledger

import (
	"errors"
	"testing"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/caps"
)

const page = caps.PageSize

// replicas are those of a few cores that all have entered and agree at once.
type replicas struct {
	t *testing.T
	l []*Ledger
}

func newReplicas(t *testing.T, n int, pages uint64) *replicas {
	r := &replicas{t: t}
	for i := range n {
		r.l = append(r.l, New(i, caps.Extent{Type: caps.RAM, Base: 1 << 30, Size: pages * page}))
	}
	for i := range n {
		r.do(r.l[i].Enter())
	}
	return r
}

// do has an operation agreed on and returns the first entry that this gave somebody.
func (r *replicas) do(op agreement.Op, err error) (id ID) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
	for i, l := range r.l {
		if !l.Prepare(op) {
			r.t.Fatalf("core %d refuses %s", i, Describe(op))
		}
	}
	for i, l := range r.l {
		l.Commit(op, true)
		if err := l.Check(); err != nil {
			r.t.Fatalf("core %d after %s: %v", i, Describe(op), err)
		}
		if string(l.Save(nil)) != string(r.l[0].Save(nil)) {
			r.t.Fatalf("core %d differs after %s", i, Describe(op))
		}
	}
	for _, l := range r.l {
		l.Ended(op)
		for _, c := range l.Changes() {
			if c.Event == Gained && id == 0 {
				id = c.Entry
			}
		}
	}
	return id
}

func (r *replicas) refused(want error, op agreement.Op, err error) {
	r.t.Helper()
	if !errors.Is(err, want) || op != "" {
		r.t.Errorf("%s: %v, want %v", Describe(op), err, want)
	}
}

func ram(at, pages uint64) caps.Extent {
	return caps.Extent{Type: caps.RAM, Base: 1<<30 + at*page, Size: pages * page}
}

// TestLife goes once through every operation.
func TestLife(t *testing.T) {
	r := newReplicas(t, 3, 16)
	a, b, c := r.l[0], r.l[1], r.l[2]
	e, err := a.Find(4*page, 0, 0)
	if err != nil || e != ram(0, 4) {
		t.Fatal(e, err)
	}
	block := r.do(a.Take(e))
	if !a.Alone(block) || b.Alone(block) {
		t.Error("core 0 alone holds it")
	}
	frame := ram(1, 1)
	frame.Type = caps.Frame
	f := r.do(a.Share(block, frame, caps.All, 1, caps.Read|caps.Grant, 7))
	if !a.Alone(block) || a.Alone(f) {
		t.Error("only the frame is shared")
	}
	r.do(b.Send(f, 2, caps.Read, 8))
	if x, ok := c.Entry(f); !ok || x.Owner != 0 || len(x.Holders) != 3 || x.Holders[2] != (Holding{2, caps.Read}) || x.Parent != block {
		t.Errorf("%+v", x)
	}
	_, err = b.Send(f, 2, caps.Write, 0)
	r.refused(caps.ErrRights, "", err)
	_, err = b.Revoke(f, frame)
	r.refused(caps.ErrRights, "", err)
	_, err = a.Give(block)
	r.refused(ErrShared, "", err)
	r.do(a.Move(f, 2, caps.All, 9))
	if x, _ := a.Entry(f); x.Owner != 2 || len(x.Holders) != 2 {
		t.Errorf("%+v", x)
	}
	r.do(a.Send(block, 1, caps.All, 0))
	_, err = b.Retype(block, caps.Frame, 0, page, 2, caps.All)
	r.refused(caps.ErrOverlap, "", err)
	two := r.do(b.Retype(block, caps.Frame, 2*page, page, 2, caps.Read|caps.Write))
	if _, ok := a.Entry(two + 1); !ok {
		t.Error("two frames were made")
	}
	r.do(a.Revoke(block, ram(2, 1))) // of one of them
	if _, ok := a.Entry(two); ok || len(a.Entries()) != 3 {
		t.Errorf("%v", a.Entries())
	}
	r.do(a.Revoke(block, e))
	if x := c.Entries(); len(x) != 1 || len(x[0].Holders) != 1 || !a.Alone(block) {
		t.Errorf("%v", x)
	}
	r.do(a.Give(block))
	if f := c.Free(); len(f) != 1 || f[0] != ram(0, 16) {
		t.Errorf("free: %v", f)
	}
}

// TestMostRetyped: who asks for more entries at once than can be agreed on is told so, also
// where there is room for them.
func TestMostRetyped(t *testing.T) {
	r := newReplicas(t, 1, MaxRetype+1)
	block := r.do(r.l[0].Take(ram(0, MaxRetype+1)))
	if _, err := r.l[0].Retype(block, caps.Frame, 0, page, MaxRetype+1, caps.All); !errors.Is(err, caps.ErrExtent) {
		t.Error(err)
	}
	if got := r.do(r.l[0].Retype(block, caps.Frame, page, page, MaxRetype, caps.All)); got == 0 || len(r.l[0].Entries()) != MaxRetype+1 {
		t.Errorf("%v, %d entries", got, len(r.l[0].Entries()))
	}
}

// TestRefusals: whoever asks for what cannot be is told why, before anybody else is asked.
func TestRefusals(t *testing.T) {
	r := newReplicas(t, 3, 16)
	a, b := r.l[0], r.l[1]
	block := r.do(a.Take(ram(0, 4)))
	frame := ram(1, 1)
	frame.Type = caps.Frame
	node := frame
	node.Type = caps.CNode
	f := r.do(a.Share(block, frame, caps.All, 1, caps.Read, 0))
	stranger := New(7, a.Area())
	last := New(0, a.Area())
	if err := last.Load(a.Save(nil)); err != nil {
		t.Fatal(err)
	}
	last.number = maxNumber
	old := New(9, a.Area())
	old.lives.set(9, life{maxLife, false})
	for _, c := range []struct {
		name string
		want error
		op   func() (agreement.Op, error)
	}{
		{"a second life", nil, a.Enter},
		{"no life", ErrLife, func() (agreement.Op, error) { return stranger.Take(ram(8, 1)) }},
		{"too many lives", caps.ErrExtent, old.Enter},
		{"too many entries", caps.ErrExtent, func() (agreement.Op, error) { return last.Take(ram(8, 1)) }},
		{"taken", caps.ErrOverlap, func() (agreement.Op, error) { return b.Take(ram(3, 2)) }},
		{"outside", caps.ErrExtent, func() (agreement.Op, error) { return b.Take(ram(15, 2)) }},
		{"part of a page", caps.ErrExtent, func() (agreement.Op, error) {
			return b.Take(caps.Extent{Type: caps.RAM, Base: 1<<30 + 8*page, Size: 8})
		}},
		{"no entry", caps.ErrGone, func() (agreement.Op, error) { return a.Drop(99) }},
		{"not held", caps.ErrGone, func() (agreement.Op, error) { return b.Drop(block) }},
		{"to itself", caps.ErrOverlap, func() (agreement.Op, error) { return a.Send(block, 0, caps.Read, 0) }},
		{"to nobody", ErrLife, func() (agreement.Op, error) { return a.Send(block, 5, caps.Read, 0) }},
		{"without grant", caps.ErrRights, func() (agreement.Op, error) { return b.Send(f, 2, caps.Read, 0) }},
		{"move without grant", caps.ErrRights, func() (agreement.Op, error) { return b.Move(f, 2, caps.Read, 0) }},
		{"retype without derive", caps.ErrRights, func() (agreement.Op, error) { return b.Retype(f, caps.Frame, 0, page, 1, caps.Read) }},
		{"frame to RAM", caps.ErrType, func() (agreement.Op, error) { return a.Retype(f, caps.RAM, 0, page, 1, caps.All) }},
		{"a CNode", caps.ErrType, func() (agreement.Op, error) { return a.Share(block, node, caps.All, 1, caps.Read, 0) }},
		{"none of them", caps.ErrExtent, func() (agreement.Op, error) { return a.Retype(block, caps.Frame, 2*page, page, 0, caps.All) }},
		{"less than none", caps.ErrExtent, func() (agreement.Op, error) { return a.Retype(block, caps.Frame, 2*page, page, -1, caps.All) }},
		{"too many", caps.ErrExtent, func() (agreement.Op, error) {
			return a.Retype(block, caps.Frame, 2*page, page, MaxRetype+1, caps.All)
		}},
		{"behind the end", caps.ErrExtent, func() (agreement.Op, error) { return a.Retype(block, caps.Frame, 2*page, page, 3, caps.All) }},
		{"in use", caps.ErrOverlap, func() (agreement.Op, error) { return a.Retype(block, caps.Frame, 0, page, 2, caps.All) }},
		{"of nothing", caps.ErrGone, func() (agreement.Op, error) { return a.Retype(99, caps.Frame, 1<<30, page, 2, caps.All) }},
		{"more rights", caps.ErrRights, func() (agreement.Op, error) { return a.Send(block, 1, 0x20, 0) }},
		{"what others hold", ErrShared, func() (agreement.Op, error) { return a.Give(f) }},
		{"what was cut", ErrShared, func() (agreement.Op, error) { return a.Give(block) }},
		{"another part", caps.ErrExtent, func() (agreement.Op, error) { return a.Revoke(block, ram(3, 2)) }},
	} {
		op, err := c.op()
		if err == nil || op != "" || c.want != nil && !errors.Is(err, c.want) && c.name != "more rights" {
			t.Errorf("%s: %s, %v, want %v", c.name, Describe(op), err, c.want)
		}
	}
	if _, err := b.Find(13*page, 0, 0); !errors.Is(err, ErrMemory) {
		t.Error(err)
	}
	if _, ok := a.Entry(99); ok || a.Shared(99) || a.Alone(99) || a.Children(99) != nil || len(a.Children(0)) != 1 {
		t.Error("there is no entry 99")
	}
	if !b.Shared(block) || a.Shared(block) || !a.Shared(f) {
		t.Error("only the frame is shared, and the block is another core's")
	}
}

// TestUnderWay: what is in conflict with an operation under way is refused until that has
// ended, and nothing else is.
func TestUnderWay(t *testing.T) {
	r := newReplicas(t, 3, 32)
	a, b := r.l[0], r.l[1]
	block := r.do(a.Take(ram(0, 8)))
	r.do(a.Send(block, 1, caps.All, 0))
	child := r.do(b.Retype(block, caps.RAM, 0, 2*page, 1, caps.All))
	r.do(b.Send(child, 0, caps.All, 0))
	other := r.do(b.Take(ram(8, 1)))
	type maker = func() (agreement.Op, error)
	revoke := func() (agreement.Op, error) { return a.Revoke(block, ram(0, 8)) }
	retype := func(at uint64) maker {
		return func() (agreement.Op, error) { return b.Retype(block, caps.Frame, at*page, page, 1, caps.All) }
	}
	send := func(to int) maker {
		return func() (agreement.Op, error) { return b.Send(block, to, caps.All, 0) }
	}
	take := func(l *Ledger, at uint64) maker {
		return func() (agreement.Op, error) { return l.Take(ram(at, 2)) }
	}
	drop := func(l *Ledger, id ID) maker {
		return func() (agreement.Op, error) { return l.Drop(id) }
	}
	owned := func(core int) maker { // as where one of the two has not seen who died
		return func() (agreement.Op, error) {
			o := operation{kind: opMove, core: core, life: 1, entry: child, to: 2, toLife: 1, rights: caps.Read, owns: true}
			return o.encode(), nil
		}
	}
	move := func(l *Ledger, to int) maker {
		return func() (agreement.Op, error) { return l.Move(child, to, caps.All, 0) }
	}
	for _, c := range []struct {
		name     string
		first    maker
		second   maker
		conflict bool
	}{
		{"takes of the same", take(a, 20), take(b, 21), true},
		{"takes of others", take(a, 20), take(b, 22), false},
		{"revoke and send", revoke, send(2), true},
		{"revoke and drop below", revoke, drop(b, child), true},
		{"revoke and something else", revoke, drop(b, other), false},
		{"two revokes", revoke, func() (agreement.Op, error) { return b.Revoke(child, ram(0, 2)) }, true},
		{"retypes of the same", retype(3), retype(3), true},
		{"retypes of others", retype(3), retype(4), false},
		{"two sends", send(2), send(2), false},
		{"send and drop by the sender", send(2), drop(b, block), true},
		{"send and drop by the receiver", func() (agreement.Op, error) { return b.Send(child, 0, caps.All, 0) }, drop(a, child), true},
		{"two drop", drop(a, child), drop(b, child), false},
		{"two move", move(a, 2), move(b, 2), false},
		{"two owners move", owned(0), owned(1), true},
		{"the owner and another move", owned(1), move(a, 2), false},
		{"enter twice", nil, nil, true},
	} {
		if c.first == nil {
			c.first = New(5, a.Area()).Enter
			c.second = c.first
		}
		x, err1 := c.first()
		y, err2 := c.second()
		if err1 != nil || err2 != nil {
			t.Fatal(c.name, err1, err2)
		}
		for _, order := range [][2]agreement.Op{{x, y}, {y, x}} {
			l := r.l[2]
			if !l.Prepare(order[0]) || l.Prepare(order[1]) == c.conflict {
				t.Errorf("%s: %s and then %s: conflict %v expected", c.name, Describe(order[0]), Describe(order[1]), c.conflict)
			}
			l.Abort(order[0])
			if len(l.prepared) > 0 == c.conflict || !c.conflict && l.prepared[0].op != order[1] {
				t.Errorf("%s: %d are still under way", c.name, len(l.prepared))
			}
			l.Abort(order[1])
		}
	}
	// A revocation is under way for the core that began it until it has ended.
	op, err := revoke()
	if err != nil {
		t.Fatal(err)
	}
	a.Prepare(op)
	a.Commit(op, true)
	if a.Alone(block) {
		t.Error("others have not seen the revocation yet")
	}
	a.Ended(op)
	if a.Ended("no such"); !a.Alone(block) {
		t.Error("the revocation has ended")
	}
	// Find looks past what is about to be taken.
	op, err = b.Take(ram(9, 23))
	if err != nil || !b.Prepare(op) {
		t.Fatal(err)
	}
	if e, err := b.Find(page, 0, 0); !errors.Is(err, ErrMemory) {
		t.Error(e, err)
	}
}
