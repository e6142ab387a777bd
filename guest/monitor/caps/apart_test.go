package caps

import (
	"errors"
	"slices"
	"testing"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestApart: roots apart may overlap, and what goes of them is told once, with the last
// capability and with the last that was cut from them.
func TestApart(t *testing.T) {
	s, r := one(t, RAM, 8*PageSize)
	a := must(s.InsertApart(Extent{RAM, 16 * PageSize, 4 * PageSize}, All))
	b := must(s.InsertApart(Extent{Frame, 16 * PageSize, PageSize}, Read|Grant))
	for _, e := range []Extent{{Endpoint, 0, 2}, {RAM, 1, PageSize}, {Frame, 0, 0}} {
		if _, err := s.InsertApart(e, All); err == nil {
			t.Errorf("%v is a root", e)
		}
	}
	if c := must(s.Get(b)); c.Rights != Read|Grant {
		t.Errorf("%v", c.Rights)
	}
	root, apart, err := rootOf(s, a)
	if err != nil || !apart || root != must(s.Object(a)) {
		t.Errorf("root %d, apart %v, %v", root, apart, err)
	}
	if _, apart, _ := rootOf(s, r); apart {
		t.Error("a root of its own is not apart")
	}
	frames := must(s.Retype(a, Frame, PageSize, PageSize, 2))
	if got, _, _ := rootOf(s, frames[1]); got != root || !s.Divided(root) {
		t.Errorf("the root of what was cut is %d", got)
	}
	again := must(s.Again(must(s.Object(b)), Read))
	must(s.Delete(b))
	if left := s.Left(); len(left) != 0 {
		t.Errorf("one of two capabilities went: %v", left)
	}
	frame := must(s.Object(again))
	must(s.Delete(again))
	e := Extent{Frame, 16 * PageSize, PageSize}
	if left := s.Left(); !slices.Equal(left, []Left{{frame, e, false}, {frame, e, true}}) {
		t.Errorf("the last one went: %v", left)
	}
	must(s.Delete(a))
	if left := s.Left(); len(left) != 1 || left[0].Object != root || left[0].Root {
		t.Errorf("what was cut is there: %v", left)
	}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	if free := s.Remove(root); len(free) != 0 {
		t.Errorf("free: %v", free)
	}
	if left := s.Left(); len(left) != 3 || !left[2].Root || left[2].Object != root {
		t.Errorf("all of it went: %v", left)
	}
	if free := s.Remove(root); free != nil || s.Divided(root) {
		t.Error("it is gone")
	}
	for _, err := range []error{second(s.Again(root, All)), second(s.Object(a)), second(s.Lift(a))} {
		if !errors.Is(err, ErrGone) {
			t.Error(err)
		}
	}
	if _, _, err := rootOf(s, a); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	if list := s.Objects(); len(list) != 1 || list[0].Size != 8*PageSize || !slices.Equal(list[0].Copies, []Rights{All}) {
		t.Errorf("%+v", list)
	}
}

// TestLift: what was lifted is a root apart with all its capabilities, and its place is
// free for others.
func TestLift(t *testing.T) {
	s, _ := one(t, RAM, PageSize)
	a := must(s.InsertApart(Extent{RAM, 16 * PageSize, 4 * PageSize}, All))
	root := must(s.Object(a))
	middle := must(s.Retype(a, RAM, 0, 2*PageSize, 1))[0]
	frame := must(s.Retype(middle, Frame, 0, PageSize, 1))[0]
	copied := must(s.Mint(frame, Read))
	if _, err := s.Lift(middle); !errors.Is(err, ErrOverlap) {
		t.Error(err)
	}
	must(s.Delete(a))
	must(s.Delete(middle))
	s.Left()
	id := must(s.Object(frame))
	must(s.Lift(frame))
	if left := s.Left(); len(left) != 1 || left[0].Object != root || !left[0].Root {
		t.Errorf("nothing else holds its root: %v", left)
	}
	for _, r := range []Ref{frame, copied} {
		if got, apart, err := rootOf(s, r); got != id || !apart || err != nil {
			t.Errorf("root %d, apart %v, %v", got, apart, err)
		}
	}
	must(s.Lift(frame)) // it is one already
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	d := must(s.InsertApart(Extent{Dispatcher, 32 * PageSize, PageSize}, All))
	if _, err := s.Lift(must(s.Retype(d, Endpoint, 3, 1, 1))[0]); !errors.Is(err, ErrType) {
		t.Error(err)
	}
}

func rootOf(s *Space, r Ref) (root ObjectID, apart bool, err error) {
	p, err := s.Place(r)
	return p.Root, p.Apart, err
}
