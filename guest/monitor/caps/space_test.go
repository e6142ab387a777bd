package caps

import (
	"errors"
	"testing"
)

// TestGone: a Ref that was deleted, or never was, names nothing for any operation.
func TestGone(t *testing.T) {
	s, r := one(t, RAM, PageSize)
	c, err := s.Copy(r)
	if err != nil {
		t.Fatal(err)
	}
	if free, err := s.Delete(c); err != nil || len(free) != 0 {
		t.Fatal(free, err)
	}
	for _, gone := range []Ref{c, 0, 99} {
		for name, err := range map[string]error{
			"get":    second(s.Get(gone)),
			"copy":   second(s.Copy(gone)),
			"mint":   second(s.Mint(gone, Read)),
			"move":   s.Move(gone, 0),
			"retype": second(s.Retype(gone, Frame, 0, PageSize, 1)),
			"delete": second(s.Delete(gone)),
			"revoke": second(s.Revoke(gone)),
		} {
			if !errors.Is(err, ErrGone) {
				t.Errorf("%s %d: %v", name, gone, err)
			}
		}
	}
	if err := s.Move(r, c); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
	if c2, err := s.Copy(r); err != nil || c2 == c {
		t.Errorf("Ref %d is used again: %v", c, err)
	}
}

func second[T any](_ T, err error) error { return err }

// TestCNode fills one, and sees what it holds go with it.
func TestCNode(t *testing.T) {
	s, refs, err := New(Extent{RAM, 0, 2 * PageSize})
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := s.Retype(refs[0], CNode, 0, PageSize, 1)
	if err != nil {
		t.Fatal(err)
	}
	frames, err := s.Retype(refs[0], Frame, PageSize, PageSize, 1)
	if err != nil {
		t.Fatal(err)
	}
	for range PageSize / SlotSize {
		c, err := s.Copy(frames[0])
		if err == nil {
			err = s.Move(c, nodes[0])
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Move(c, nodes[0]); err != nil { // where it is
			t.Fatal(err)
		}
	}
	if err := s.Move(frames[0], nodes[0]); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	if _, err := s.Delete(nodes[0]); err != nil || s.Len() != 2 {
		t.Errorf("%d capabilities left, %v", s.Len(), err)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}

// TestOverlap: what is there already cannot be inserted again; numbers are no memory.
func TestOverlap(t *testing.T) {
	s, _ := one(t, RAM, 2*PageSize)
	if _, err := s.Insert(Extent{DevFrame, 1<<20 + PageSize, PageSize}); !errors.Is(err, ErrOverlap) {
		t.Error(err)
	}
	if _, err := s.Insert(Extent{IRQ, 1 << 20, 1}); err != nil {
		t.Error(err)
	}
	if _, _, err := New(Extent{IRQ, 0, 4}, Extent{IRQ, 3, 1}); !errors.Is(err, ErrOverlap) {
		t.Error(err)
	}
}

func TestWords(t *testing.T) {
	for want, got := range map[string]string{
		"r-x--": (Read | Execute).String(), "rwxdg": All.String(),
		"Frame 0x1000+0x2000": Extent{Frame, 0x1000, 0x2000}.String(), "IRQ 3+2": Extent{IRQ, 3, 2}.String(),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestCheckFails: the checker finds every kind of damage that it looks for.
func TestCheckFails(t *testing.T) {
	for name, damage := range map[string]func(*Space, *object){
		"extent":  func(_ *Space, o *object) { o.Size++ },
		"unnamed": func(_ *Space, o *object) { o.children[1].copies = nil },
		"copy":    func(s *Space, o *object) { o.copies[0].object = o.children[0] },
		"held":    func(_ *Space, o *object) { o.children[0].holds = o.copies },
		"unreachable": func(s *Space, o *object) {
			o.children[0].holds[0].in.copies = nil
			o.children[0].children = o.children[2:3]
		},
		"parent":  func(_ *Space, o *object) { o.children[1].parent = nil },
		"type":    func(_ *Space, o *object) { o.Type = Frame },
		"outside": func(_ *Space, o *object) { o.children[2].Base += 64 * PageSize },
		"overlap": func(_ *Space, o *object) { o.children[2].Base = o.children[1].Base },
		"roots":   func(s *Space, o *object) { s.roots = append(s.roots, o) },
		"lost":    func(s *Space, o *object) { o.children = o.children[:2] },
	} {
		s, refs, err := New(Extent{RAM, 0, 4 * PageSize})
		if err != nil {
			t.Fatal(err)
		}
		nodes, e1 := s.Retype(refs[0], CNode, 0, PageSize, 1)
		frames, e2 := s.Retype(refs[0], Frame, PageSize, PageSize, 2)
		if err := errors.Join(e1, e2, s.Move(frames[0], nodes[0]), s.Check()); err != nil {
			t.Fatal(err)
		}
		damage(s, s.roots[0])
		if s.Check() == nil {
			t.Errorf("%s: not found", name)
		}
	}
}
