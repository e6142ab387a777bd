package caps

import (
	"fmt"
	"maps"
	"slices"
)

// Some objects are held by several cores. Who else has them, and what was cut from
// them elsewhere, all cores know alike (package ledger). In a core's space each is a
// root apart: it may overlap others, because that other book keeps them in order.

// ObjectID names an object of a Space: what all copies of a capability share. It is
// never used for another one.
type ObjectID uint64

// Left is an object that a space has let go of.
type Left struct {
	Object ObjectID
	Extent
	// Root says that it was a root apart, and that nothing that was cut from it is left
	// either. Otherwise the last capability to it went, so that nobody here may use it.
	Root bool
}

// Left returns what was let go of since it was called last, in order. The list is good until
// something else is let go of.
func (s *Space) Left() []Left {
	list := s.left
	s.left = s.left[:0]
	return list
}

// Object returns what r names a capability to. It fails with ErrGone.
func (s *Space) Object(r Ref) (ObjectID, error) {
	c, err := s.find(r)
	if err != nil {
		return 0, err
	}
	return c.object.id, nil
}

// Place is a capability, to which object it is, which root that was cut from, directly or
// not, and whether that is one apart.
type Place struct {
	Cap
	Object, Root ObjectID
	Apart        bool
}

// Place returns that of r. It fails with ErrGone.
func (s *Space) Place(r Ref) (Place, error) {
	c, err := s.find(r)
	if err != nil {
		return Place{}, err
	}
	root := c.object
	for root.parent != nil {
		root = root.parent
	}
	return Place{Cap{c.object.Extent, c.rights}, c.object.id, root.id, root.apart}, nil
}

// Divided reports whether anything was cut from an object.
func (s *Space) Divided(id ObjectID) bool {
	o := s.objects[id]
	return o != nil && len(o.children) > 0
}

// InsertApart adds an extent as a root apart, with a capability of those rights; also an
// endpoint, where the other book says whose that is. It fails with ErrType, ErrExtent.
func (s *Space) InsertApart(e Extent, rights Rights) (Ref, error) {
	if err := e.check(); err != nil {
		return 0, err
	}
	o := s.object(e, nil)
	o.apart = true
	s.root(o)
	return s.add(o, rights, nil).ref, nil
}

// Again returns another capability to an object, with those rights. It fails with ErrGone.
func (s *Space) Again(id ObjectID, rights Rights) (Ref, error) {
	o := s.objects[id]
	if o == nil {
		return 0, fmt.Errorf("caps: object %d: %w", id, ErrGone)
	}
	return s.add(o, rights, nil).ref, nil
}

// Lift makes the object of r a root apart; all capabilities to it stay. It returns the
// extents that are free now, as Delete does. It fails with ErrGone, ErrOverlap where
// something was cut from it, and ErrType where it is an endpoint.
func (s *Space) Lift(r Ref) (free []Extent, err error) {
	c, err := s.find(r)
	if err != nil {
		return nil, err
	}
	o := c.object
	switch {
	case len(o.children) > 0:
		return nil, fmt.Errorf("caps: %v: %v was cut from it: %w", o.Extent, o.children[0].Extent, ErrOverlap)
	case o.Type == Endpoint:
		return nil, fmt.Errorf("caps: %v: only its dispatcher has it: %w", o.Extent, ErrType)
	}
	p := o.parent
	o.parent, o.apart = nil, true
	if p == nil {
		return nil, nil // it was a root, and is one
	}
	at := p.search(o.Base)
	p.children = slices.Delete(p.children, at, at+1)
	s.root(o)
	s.bury(p, &free)
	return free, nil
}

// Part makes a root apart of a part of what r names, itself one, above what was cut there, and
// returns a capability to it with the rights of r. It fails with ErrGone, ErrType where r names
// no root apart or e is of another type, ErrExtent, and ErrOverlap where something lies in e
// and outside it too.
func (s *Space) Part(r Ref, e Extent) (Ref, error) {
	c, err := s.find(r)
	if err != nil {
		return 0, err
	}
	o := c.object
	switch {
	case !o.apart || e.Type != o.Type:
		return 0, fmt.Errorf("caps: %v of %v: %w", e, o.Extent, ErrType)
	case e.check() != nil || !e.Within(o.Extent):
		return 0, fmt.Errorf("caps: %v of %v: %w", e, o.Extent, ErrExtent)
	}
	first := o.search(e.Base)
	end := first
	for ; end < len(o.children) && o.children[end].Overlaps(e); end++ {
		if child := o.children[end]; !child.Within(e) {
			return 0, fmt.Errorf("caps: %v of %v: %v is there: %w", e, o.Extent, child.Extent, ErrOverlap)
		}
	}
	n := s.object(e, nil)
	n.apart = true
	n.children = slices.Clone(o.children[first:end])
	for _, child := range n.children {
		child.parent = n
	}
	o.children = slices.Delete(o.children, first, end)
	s.root(n)
	return s.add(n, c.rights, nil).ref, nil
}

// Gap returns the lowest address of an object at which nothing of the next size bytes was cut
// from it, from an address on. ok is false where there is none.
func (s *Space) Gap(id ObjectID, from, size uint64) (at uint64, ok bool) {
	o := s.objects[id]
	if o == nil {
		return 0, false
	}
	at = max(from, o.Base)
	for _, child := range o.children[o.search(at):] {
		if child.Base >= at+size {
			break
		}
		at = child.Base + child.Size
	}
	return at, at+size <= o.Base+o.Size
}

// Children returns what was cut from an object, by address.
func (s *Space) Children(id ObjectID) (list []Extent) {
	if o := s.objects[id]; o != nil {
		for _, child := range o.children {
			list = append(list, child.Extent)
		}
	}
	return list
}

// Remove removes all capabilities to an object and to whatever was cut from it, and
// returns the extents that are free now. Where it is gone already it does nothing.
func (s *Space) Remove(id ObjectID) (free []Extent) {
	o := s.objects[id]
	if o == nil {
		return nil
	}
	s.drop(o.all(s.going[:0]), &free)
	return free
}

// all appends the copies of o and of what was cut from it.
func (o *object) all(list []*capability) []*capability {
	list = append(list, o.copies...)
	for _, child := range o.children {
		list = child.all(list)
	}
	return list
}

// Object is what a space knows of one, for whoever looks at it.
type Object struct {
	ID     ObjectID
	Parent ObjectID // 0 for a root
	Extent
	Copies []Rights // of its capabilities
}

// Objects returns all objects by their numbers: a parent comes before what was cut from it.
func (s *Space) Objects() []Object {
	list := make([]Object, 0, len(s.objects))
	for _, id := range slices.Sorted(maps.Keys(s.objects)) {
		o := s.objects[id]
		one := Object{ID: id, Extent: o.Extent}
		if o.parent != nil {
			one.Parent = o.parent.id
		}
		for _, c := range o.copies {
			one.Copies = append(one.Copies, c.rights)
		}
		list = append(list, one)
	}
	return list
}
