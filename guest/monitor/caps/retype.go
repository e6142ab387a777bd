package caps

import (
	"fmt"
	"slices"
)

// Retype cuts count objects of a type, each of the given size, out of what r names,
// from offset on, one after the other, and returns a capability with the rights of r
// to each. Nothing of that part may be in use. Offset and size are in bytes, or
// numbers; an endpoint's offset is its number.
//
// The memory of a VNode, a CNode or a dispatcher must be zero before anybody uses
// it: that is up to the caller, who can write to it.
//
// It fails with ErrGone, ErrRights (Derive is needed), ErrType, ErrExtent, ErrOverlap.
func (s *Space) Retype(r Ref, to Type, offset, size uint64, count int) ([]Ref, error) {
	c, err := s.find(r)
	if err != nil {
		return nil, err
	}
	o := c.object
	if c.rights&Derive == 0 {
		return nil, fmt.Errorf("caps: retype %v: derive: %w", o.Extent, ErrRights)
	}
	if !allowed(o.Type, to) {
		return nil, fmt.Errorf("caps: retype %v to %v: %w", o.Extent, to, ErrType)
	}
	first, err := o.part(to, offset, size, count)
	if err != nil {
		return nil, err
	}
	at := o.search(first.Base)
	if end := first.Base + uint64(count)*size; at < len(o.children) && o.children[at].Base < end {
		return nil, fmt.Errorf("caps: retype %v: %v is there: %w", o.Extent, o.children[at].Extent, ErrOverlap)
	}
	made := make([]*object, count)
	refs := make([]Ref, count)
	for i := range made {
		e := first
		e.Base += uint64(i) * size
		made[i] = s.object(e, o)
		refs[i] = s.add(made[i], c.rights, nil).ref
	}
	o.children = slices.Insert(o.children, at, made...)
	return refs, nil
}

// part returns the extent of the first of count objects to be cut from o.
func (o *object) part(to Type, offset, size uint64, count int) (Extent, error) {
	e := Extent{to, o.Base + offset, size}
	room := o.Size
	if to == Endpoint {
		e.Base, room = offset, MaxEndpoints // numbers of its own
	}
	if err := e.check(); err != nil {
		return e, err
	}
	if count < 1 || offset > room || size > room || uint64(count) > (room-offset)/size {
		return e, fmt.Errorf("caps: retype %v: %d times %d from %d on: only %d fit: %w", o.Extent, count, size, offset, room, ErrExtent)
	}
	return e, nil
}

// search returns the place of the first child that ends behind base.
func (o *object) search(base uint64) int {
	i, _ := slices.BinarySearchFunc(o.children, base, func(c *object, base uint64) int {
		if c.Base+c.Size <= base {
			return -1
		}
		return 1
	})
	return i
}
