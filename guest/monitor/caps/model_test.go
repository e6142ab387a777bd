package caps

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"barreleye/guest/monitor/simulate"
	"barreleye/guest/monitor/simulate/seeds"
)

// model is the same as a Space, as slowly and as plainly as possible: a list of
// capabilities, each with the extents that it was cut from, and no tree.
type model struct {
	caps []*plain
	next uint64 // number of the next object
}

type plain struct {
	ref    Ref
	path   []named // the objects from the root to its own
	rights Rights
	in     uint64 // number of the CNode, 0 for none
}

type named struct {
	number uint64
	Extent
}

func (p *plain) object() named { return p.path[len(p.path)-1] }

func (m *model) find(r Ref) *plain {
	for _, p := range m.caps {
		if p.ref == r {
			return p
		}
	}
	return nil
}

// under reports whether the object of p was cut from the one with that number, or is it.
func (p *plain) under(number uint64) bool {
	return slices.ContainsFunc(p.path, func(n named) bool { return n.number == number })
}

// live returns all objects that are there, by number.
func (m *model) live() map[uint64]named {
	l := map[uint64]named{}
	for _, p := range m.caps {
		for _, n := range p.path {
			l[n.number] = n
		}
	}
	return l
}

func (m *model) retype(p *plain, to Type, offset, size uint64, count int) error {
	o := p.object()
	if p.rights&Derive == 0 {
		return ErrRights
	}
	if !allowed(o.Type, to) {
		return ErrType
	}
	base, end := o.Base+offset, o.Base+o.Size
	if to == Endpoint {
		base, end = offset, MaxEndpoints
	}
	if (Extent{to, base, size}).check() != nil || count < 1 || base+uint64(count)*size > end {
		return ErrExtent
	}
	for _, c := range m.caps {
		for i, n := range c.path[1:] {
			if c.path[i].number == o.number && n.Base < base+uint64(count)*size && base < n.Base+n.Size {
				return ErrOverlap
			}
		}
	}
	return nil
}

// cut adds what a retype made.
func (m *model) cut(p *plain, refs []Ref, to Type, offset, size uint64) {
	for i, r := range refs {
		m.next++
		base := p.object().Base
		if to == Endpoint {
			base = 0
		}
		path := append(slices.Clone(p.path), named{m.next, Extent{to, base + offset + uint64(i)*size, size}})
		m.caps = append(m.caps, &plain{ref: r, path: path, rights: p.rights})
	}
}

// remove takes out what goes selects, and again what lies in CNodes without copies.
func (m *model) remove(goes func(*plain) bool) {
	m.caps = slices.DeleteFunc(m.caps, goes)
	for {
		reachable := map[uint64]bool{0: true}
		for _, p := range m.caps {
			reachable[p.object().number] = true
		}
		n := len(m.caps)
		m.caps = slices.DeleteFunc(m.caps, func(p *plain) bool { return !reachable[p.in] })
		if len(m.caps) == n {
			return
		}
	}
}

// roots returns the extents that are covered.
func (m *model) roots() (list []Extent) {
	seen := map[uint64]bool{}
	for _, p := range m.caps {
		if !seen[p.path[0].number] {
			seen[p.path[0].number] = true
			list = append(list, p.path[0].Extent)
		}
	}
	return list
}

// compare reports where space and model differ.
func (m *model) compare(s *Space) error {
	if err := s.Check(); err != nil {
		return err
	}
	if s.Len() != len(m.caps) {
		return fmt.Errorf("%d capabilities, the model has %d", s.Len(), len(m.caps))
	}
	for _, p := range m.caps {
		c, err := s.Get(p.ref)
		if err != nil || c.Extent != p.object().Extent || c.Rights != p.rights {
			return fmt.Errorf("%d is %v, the model has %v (%v)", p.ref, c, p.object(), err)
		}
	}
	// No two objects overlap unless one was cut from the other.
	objects := m.live()
	numbers := slices.Sorted(maps.Keys(objects))
	for _, p := range m.caps {
		for _, number := range numbers {
			a, b := p.object(), objects[number]
			if a.Type == Endpoint || b.Type == Endpoint || shapes[a.Type].plain != shapes[b.Type].plain || a.Base >= b.Base+b.Size || b.Base >= a.Base+a.Size {
				continue
			}
			related := p.under(number)
			for _, q := range m.caps {
				related = related || q.under(a.number) && q.under(number)
			}
			if !related {
				return fmt.Errorf("%v and %v overlap", a, b)
			}
		}
	}
	return nil
}

// TestModel does random operations in a space and in the model.
func TestModel(t *testing.T) { seeds.Test(t, 10_000, run) }

func run(t simulate.Trial) error {
	r := t.Choices
	roots := []Extent{{RAM, 0, 16 * PageSize}, {RAM, 64 * PageSize, 16 * PageSize}, {DevFrame, 128 * PageSize, 4 * PageSize}, {IRQ, 0, 8}}
	s, refs, err := New(roots...)
	if err != nil {
		return err
	}
	m := &model{}
	for i, e := range roots {
		m.next++
		m.caps = append(m.caps, &plain{ref: refs[i], path: []named{{m.next, e}}, rights: All})
	}
	var free []Extent
	for range 60 {
		if len(m.caps) == 0 {
			break
		}
		p := m.caps[r.N(len(m.caps))]
		roots := m.roots()
		var freed []Extent
		switch r.N(12) {
		case 0, 1, 2, 3, 4:
			to := Type(r.N(int(typeCount)))
			if list := becomes[p.object().Type]; len(list) > 0 && r.N(8) > 0 {
				to = list[r.N(len(list))]
			}
			unit := sizeOf(to)
			offset, size, count := uint64(r.N(6))*unit, (1+uint64(r.N(3)))*unit, 1+r.N(3)
			want := m.retype(p, to, offset, size, count)
			made, err := s.Retype(p.ref, to, offset, size, count)
			if !errors.Is(err, want) {
				return fmt.Errorf("retype %v to %v at %d, %d times %d: %v, the model says %v", p.object(), to, offset, count, size, err, want)
			}
			t.Note("retype %v to %d %v of %d from %d on: %v", p.object(), count, to, size, offset, err)
			m.cut(p, made, to, offset, size)
		case 5, 6:
			keep := Rights(r.N(int(All) + 1))
			if r.N(2) == 0 {
				keep = All
			}
			c, err := s.Mint(p.ref, keep)
			t.Note("mint %v with %v: %v", p.object(), keep, err)
			if err != nil {
				return err
			}
			m.caps = append(m.caps, &plain{ref: c, path: p.path, rights: p.rights & keep})
		case 7, 8:
			var to uint64
			var node Ref
			want := error(nil)
			if n := m.caps[r.N(len(m.caps))]; r.N(4) > 0 {
				node, to = n.ref, n.object().number
				held := 0
				for _, q := range m.caps {
					if q.in == to && q != p {
						held++
					}
				}
				switch {
				case n.object().Type != CNode || p.object().Type == CNode:
					want = ErrType
				case n.rights&Write == 0:
					want = ErrRights
				case uint64(held) >= n.object().Size/SlotSize:
					want = ErrFull
				case n.under(p.object().number):
					want = ErrInside
				}
			}
			err := s.Move(p.ref, node)
			t.Note("move %v into CNode %d: %v", p.object(), to, err)
			if !errors.Is(err, want) {
				return fmt.Errorf("move %v: %v, the model says %v", p.object(), err, want)
			}
			if want == nil {
				p.in = to
			}
		case 9, 10:
			freed, err = s.Delete(p.ref)
			t.Note("delete %v, which frees %v: %v", p.object(), freed, err)
			if err != nil {
				return err
			}
			m.remove(func(q *plain) bool { return q == p })
		case 11:
			want := error(nil)
			if p.rights&Derive == 0 {
				want = ErrRights
			} else if slices.ContainsFunc(m.caps, func(q *plain) bool {
				return p.in != 0 && q.under(p.object().number) && q.under(p.in)
			}) {
				want = ErrInside
			}
			freed, err = s.Revoke(p.ref)
			t.Note("revoke %v, which frees %v: %v", p.object(), freed, err)
			if !errors.Is(err, want) {
				return fmt.Errorf("revoke %v: %v, the model says %v", p.object(), err, want)
			}
			if want == nil {
				number := p.object().number
				m.remove(func(q *plain) bool { return q != p && q.under(number) })
				for _, q := range m.caps {
					if q != p && q.under(number) {
						return fmt.Errorf("%v is left of %v", q.object(), p.object())
					}
				}
			}
		}
		if err := m.compare(s); err != nil {
			return err
		}
		left := m.roots()
		for _, e := range freed {
			if !slices.Contains(roots, e) || slices.Contains(left, e) {
				return fmt.Errorf("%v is said to be free", e)
			}
		}
		if len(roots)-len(freed) != len(left) {
			return fmt.Errorf("%v are free, roots were %v and are %v", freed, roots, left)
		}
		free = append(free, freed...)
	}
	// Nothing is leaked: once all is deleted, all that there was is free.
	for len(m.caps) > 0 {
		p := m.caps[r.N(len(m.caps))]
		freed, err := s.Delete(p.ref)
		if err != nil {
			return err
		}
		free = append(free, freed...)
		m.remove(func(q *plain) bool { return q == p })
		if err := m.compare(s); err != nil {
			return err
		}
	}
	if len(free) != len(roots) || s.Len() != 0 {
		return fmt.Errorf("%v are free of %v, %d are left", free, roots, s.Len())
	}
	return nil
}

// TestTranscript shows what a short run does.
func TestTranscript(t *testing.T) {
	seeds.Transcripts(t, map[string]simulate.Trial{"model": {Choices: simulate.Seeded(2, false)}}, run)
}
