package caps

import (
	"fmt"
	"slices"
)

// Ref names a capability of a Space. The zero Ref names none. A Ref is never used
// for another capability after its own is gone.
type Ref uint64

// Cap is what a Ref names.
type Cap struct {
	Extent
	Rights Rights
}

// Space holds the capabilities of one core.
type Space struct {
	caps    map[Ref]*capability
	objects map[ObjectID]*object
	last    Ref
	number  ObjectID // of the last object
	// roots are objects that were cut from nothing here.
	roots []*object
	left  []Left // since Left was called last

	going []*capability // for drop
	// What was removed and is used again, at most mostSpare of each.
	spareCaps    []*capability
	spareObjects []*object
}

// mostSpare is how many removed capabilities, and objects, are kept to be used again.
const mostSpare = 64

// capability is one copy.
type capability struct {
	ref    Ref
	object *object
	rights Rights
	in     *object // CNode that holds it; nil: the space itself
}

// object is what all copies of a capability share.
type object struct {
	Extent
	id       ObjectID
	apart    bool // a root whose overlap with others is not this space's business
	parent   *object
	children []*object      // sorted by base; no two overlap
	copies   []*capability  // none: it is only there because of its children
	few      [1]*capability // room for those of most objects
	holds    []*capability  // of a CNode
	place    int            // of a root, among them
}

// New returns a space that holds a capability with all rights to each of the given
// extents, and their Refs in that order. It fails with ErrType, ErrExtent, ErrOverlap.
func New(roots ...Extent) (*Space, []Ref, error) {
	s := &Space{caps: map[Ref]*capability{}, objects: map[ObjectID]*object{}}
	refs := make([]Ref, 0, len(roots))
	for _, e := range roots {
		r, err := s.Insert(e)
		if err != nil {
			return nil, nil, err
		}
		refs = append(refs, r)
	}
	return s, refs, nil
}

// Insert adds an extent that no object of this space overlaps, as one with all rights.
// It fails with ErrType, ErrExtent, ErrOverlap.
func (s *Space) Insert(e Extent) (Ref, error) {
	if err := e.root(); err != nil {
		return 0, err
	}
	for _, o := range s.roots {
		if !o.apart && shapes[o.Type].plain == shapes[e.Type].plain && o.overlaps(e.Base, e.Size) {
			return 0, fmt.Errorf("caps: %v: %v is there: %w", e, o.Extent, ErrOverlap)
		}
	}
	o := s.object(e, nil)
	s.root(o)
	return s.add(o, All, nil).ref, nil
}

// root reports an extent that no root can have.
func (e Extent) root() error {
	if err := e.check(); err != nil {
		return err
	}
	if e.Type == Endpoint {
		return fmt.Errorf("caps: %v: only a dispatcher has endpoints: %w", e, ErrType)
	}
	return nil
}

// object makes one, which is not in its place yet.
func (s *Space) object(e Extent, parent *object) *object {
	s.number++
	o := unused(&s.spareObjects)
	*o = object{Extent: e, id: s.number, parent: parent}
	o.copies = o.few[:0]
	s.objects[o.id] = o
	return o
}

// root adds an object to those that were cut from nothing.
func (s *Space) root(o *object) {
	o.place = len(s.roots)
	s.roots = append(s.roots, o)
}

// unroot is the reverse.
func (s *Space) unroot(o *object) {
	last := len(s.roots) - 1
	s.roots[o.place] = s.roots[last]
	s.roots[o.place].place = o.place
	s.roots[last] = nil
	s.roots = s.roots[:last]
}

func (o *object) overlaps(base, size uint64) bool {
	return base < o.Base+o.Size && o.Base < base+size
}

// add makes a copy of an object's capability.
func (s *Space) add(o *object, r Rights, in *object) *capability {
	s.last++
	c := unused(&s.spareCaps)
	*c = capability{ref: s.last, object: o, rights: r, in: in}
	s.caps[c.ref] = c
	o.copies = append(o.copies, c)
	if in != nil {
		in.holds = append(in.holds, c)
	}
	return c
}

// unused returns one of those that were removed, or a new one.
func unused[T any](spare *[]*T) *T {
	last := len(*spare) - 1
	if last < 0 {
		return new(T)
	}
	x := (*spare)[last]
	*spare = (*spare)[:last]
	return x
}

// removed keeps one.
func removed[T any](spare *[]*T, x *T) {
	if len(*spare) < mostSpare {
		*spare = append(*spare, x)
	}
}

// find returns the capability that r names. It fails with ErrGone.
func (s *Space) find(r Ref) (*capability, error) {
	c := s.caps[r]
	if c == nil {
		return nil, fmt.Errorf("caps: %d: %w", r, ErrGone)
	}
	return c, nil
}

// Get returns what r names. It fails with ErrGone.
func (s *Space) Get(r Ref) (Cap, error) {
	c, err := s.find(r)
	if err != nil {
		return Cap{}, err
	}
	return Cap{c.object.Extent, c.rights}, nil
}

// Has reports whether r names a capability.
func (s *Space) Has(r Ref) bool { return s.caps[r] != nil }

// Len returns how many capabilities there are.
func (s *Space) Len() int { return len(s.caps) }

// Copy returns another capability to the same, with the same rights. It fails with
// ErrGone.
func (s *Space) Copy(r Ref) (Ref, error) { return s.Mint(r, All) }

// Mint returns another capability to the same, with those of its rights that are in
// keep. It fails with ErrGone.
func (s *Space) Mint(r Ref, keep Rights) (Ref, error) {
	c, err := s.find(r)
	if err != nil {
		return 0, err
	}
	return s.add(c.object, c.rights&keep, nil).ref, nil
}

// Move puts a capability into a CNode, or with node 0 back into the space. Its Ref
// stays. A CNode's capability cannot be in a CNode: then nothing holds itself, and
// deleting always ends. Move fails with ErrGone, ErrType, ErrRights (the CNode must
// allow Write), ErrFull, and ErrInside where the CNode was cut from what is moved.
func (s *Space) Move(r, node Ref) error {
	c, err := s.find(r)
	if err != nil {
		return err
	}
	var to *object
	if node != 0 {
		n, err := s.find(node)
		switch {
		case err != nil:
			return err
		case n.object.Type != CNode || c.object.Type == CNode:
			return fmt.Errorf("caps: %v into %v: %w", c.object.Extent, n.object.Extent, ErrType)
		case n.rights&Write == 0:
			return fmt.Errorf("caps: into %v: write: %w", n.object.Extent, ErrRights)
		case n.object != c.in && uint64(len(n.object.holds)) >= n.object.Size/SlotSize:
			return fmt.Errorf("caps: into %v: %w", n.object.Extent, ErrFull)
		case n.object.below(c.object):
			return fmt.Errorf("caps: %v into %v: %w", c.object.Extent, n.object.Extent, ErrInside)
		}
		to = n.object
	}
	c.leave()
	if c.in = to; to != nil {
		to.holds = append(to.holds, c)
	}
	return nil
}

// leave takes c out of its CNode.
func (c *capability) leave() {
	if c.in != nil {
		c.in.holds = without(c.in.holds, c)
		c.in = nil
	}
}

// below reports whether o was cut from p, directly or not.
func (o *object) below(p *object) bool {
	for ; o != nil; o = o.parent {
		if o == p {
			return true
		}
	}
	return false
}

// without returns the list without x, in another order.
func without[T comparable](list []T, x T) []T {
	if i := slices.Index(list, x); i >= 0 {
		last := len(list) - 1
		list[i] = list[last]
		var none T
		list[last] = none
		list = list[:last]
	}
	return list
}
