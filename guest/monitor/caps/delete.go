package caps

import (
	"fmt"
	"slices"
)

// Delete removes a capability. With the last one to an object the object goes, unless
// others were cut from it: then it goes with the last of those. What a CNode holds goes
// with it. Delete returns the extents that no object of this space covers any more, for
// whoever hands out memory; and fails with ErrGone.
func (s *Space) Delete(r Ref) (free []Extent, err error) {
	c, err := s.find(r)
	if err != nil {
		return nil, err
	}
	s.drop(append(s.going[:0], c), &free)
	return free, nil
}

// Revoke removes every capability to what r names, and to whatever was cut from it,
// but r itself. Then all of it can be retyped anew. It returns the extents that are free
// now (of what went with CNodes), and fails with ErrGone, ErrRights (Derive is needed),
// and ErrInside where r lies in a CNode that would go.
func (s *Space) Revoke(r Ref) (free []Extent, err error) {
	c, err := s.find(r)
	if err != nil {
		return nil, err
	}
	o := c.object
	if c.rights&Derive == 0 {
		return nil, fmt.Errorf("caps: revoke %v: derive: %w", o.Extent, ErrRights)
	}
	if c.in != nil && c.in.below(o) {
		return nil, fmt.Errorf("caps: revoke %v: %w", o.Extent, ErrInside)
	}
	goes := o.all(s.going[:0])
	at := slices.Index(goes, c)
	s.drop(slices.Delete(goes, at, at+1), &free)
	return free, nil
}

// drop removes capabilities, and those that lie in CNodes that go with them. The list is kept
// as s.going.
func (s *Space) drop(list []*capability, free *[]Extent) {
	for len(list) > 0 {
		last := len(list) - 1
		c := list[last]
		list[last] = nil
		list = list[:last]
		if s.caps[c.ref] != c {
			continue // it lay in a CNode that went before
		}
		delete(s.caps, c.ref)
		c.leave()
		o := c.object
		removed(&s.spareCaps, c)
		if o.copies = without(o.copies, c); len(o.copies) > 0 {
			continue
		}
		s.left = append(s.left, Left{Object: o.id, Extent: o.Extent})
		list = append(list, o.holds...) // of a CNode that nobody can reach any more
		s.bury(o, free)
	}
	s.going = list
}

// bury removes an object that has neither copies nor children, and then, if that was
// all that its parent was there for, the parent.
func (s *Space) bury(o *object, free *[]Extent) {
	for o != nil && len(o.copies) == 0 && len(o.children) == 0 {
		delete(s.objects, o.id)
		removed(&s.spareObjects, o)
		p := o.parent
		if p == nil {
			s.unroot(o)
			if o.apart {
				s.left = append(s.left, Left{Object: o.id, Extent: o.Extent, Root: true})
			} else {
				*free = append(*free, o.Extent)
			}
			return
		}
		at := p.search(o.Base)
		p.children = slices.Delete(p.children, at, at+1)
		o = p
	}
}
