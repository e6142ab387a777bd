package caps

import (
	"errors"
	"slices"
	"testing"
)

// TestPart: a part of a root apart is one too, with what was cut there; and the room between
// what was cut is found.
func TestPart(t *testing.T) {
	const at = 16 * PageSize
	page := func(typ Type, from, n uint64) Extent { return Extent{typ, at + from*PageSize, n * PageSize} }
	s, _ := one(t, RAM, PageSize)
	a := must(s.InsertApart(page(RAM, 0, 8), All))
	root := must(s.Object(a))
	small := must(s.Retype(a, Frame, 0, PageSize, 1))[0]
	wide := must(s.Retype(a, Frame, 2*PageSize, 2*PageSize, 1))[0]
	if got := s.Children(root); !slices.Equal(got, []Extent{page(Frame, 0, 1), page(Frame, 2, 2)}) {
		t.Errorf("children %v", got)
	}
	for _, g := range []struct {
		from, size, want uint64 // pages; want 99: there is none
	}{{0, 1, 1}, {1, 1, 1}, {0, 2, 4}, {2, 1, 4}, {3, 1, 4}, {5, 3, 5}, {0, 4, 4}, {0, 5, 99}, {8, 1, 99}} {
		got, ok := s.Gap(root, at+g.from*PageSize, g.size*PageSize)
		if ok != (g.want != 99) || ok && got != at+g.want*PageSize {
			t.Errorf("%d pages from %d on: %#x, %v; want page %d", g.size, g.from, got, ok, g.want)
		}
	}
	if got, ok := s.Gap(root, 0, PageSize); got != at+PageSize || !ok {
		t.Errorf("from below it: %#x, %v", got, ok)
	}
	if _, ok := s.Gap(root+100, 0, PageSize); ok || s.Children(root+100) != nil {
		t.Error("there is no such object")
	}

	for _, wrong := range []struct {
		of   Ref
		e    Extent
		want error
	}{
		{a + 100, page(RAM, 0, 1), ErrGone},
		{small, page(Frame, 0, 1), ErrType},
		{a, page(Frame, 0, 1), ErrType},
		{a, page(RAM, 6, 3), ErrExtent},
		{a, Extent{RAM, at + 1, PageSize}, ErrExtent},
		{a, page(RAM, 0, 3), ErrOverlap},
	} {
		if _, err := s.Part(wrong.of, wrong.e); !errors.Is(err, wrong.want) {
			t.Errorf("part %v: %v, want %v", wrong.e, err, wrong.want)
		}
	}
	if got := s.Children(root); len(got) != 2 {
		t.Errorf("what was refused left %v", got)
	}

	p := must(s.Part(a, page(RAM, 0, 2)))
	part := must(s.Object(p))
	if c := must(s.Get(p)); c.Rights != All || c.Extent != page(RAM, 0, 2) {
		t.Errorf("the part is %+v", c)
	}
	for r, want := range map[Ref]ObjectID{p: part, small: part, wide: root, a: root} {
		if got, apart, err := rootOf(s, r); got != want || !apart || err != nil {
			t.Errorf("root %d of %v, apart %v, %v; want %d", got, must(s.Get(r)), apart, err, want)
		}
	}
	if got := s.Children(root); !slices.Equal(got, []Extent{page(Frame, 2, 2)}) {
		t.Errorf("children %v", got)
	}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	must(s.Delete(p))
	must(s.Delete(small))
	if left := s.Left(); len(left) != 3 || left[2].Object != part || !left[2].Root {
		t.Errorf("all of the part went: %v", left)
	}
}
