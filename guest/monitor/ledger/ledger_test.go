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
