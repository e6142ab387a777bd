package caps

import (
	"fmt"
	"slices"
)

// Type is what a capability names.
type Type uint8

// Types. VNodes are page tables of x86-64, by level.
const (
	Null       Type = iota // nothing: what a Ref names that was deleted
	RAM                    // memory of which nothing is known but that it is free
	Frame                  // memory that may be mapped
	DevFrame               // a device's registers, that may be mapped
	PML4                   // VNode of level 4
	PDPT                   // VNode of level 3
	PageDir                // VNode of level 2
	PageTable              // VNode of level 1
	CNode                  // holds capabilities
	Dispatcher             // a domain's part on one core
	Endpoint               // where a dispatcher can be called; a number, no memory
	IRQ                    // interrupts, by number
	typeCount
)

var typeNames = [typeCount]string{"Null", "RAM", "Frame", "DevFrame", "PML4", "PDPT", "PageDir", "PageTable", "CNode", "Dispatcher", "Endpoint", "IRQ"}

func (t Type) String() string {
	if t >= typeCount {
		return fmt.Sprintf("Type(%d)", uint8(t))
	}
	return typeNames[t]
}

// PageSize is the unit of memory that capabilities name, in bytes.
const PageSize = 4096

// SlotSize is how much of a CNode's memory one capability takes, in bytes.
const SlotSize = 64

// shape says which extents an object of a type may have.
type shape struct {
	unit  uint64 // base and size are multiples of it
	exact uint64 // the only size there is; 0: any
	plain bool   // numbers, not addresses
}

var shapes = [typeCount]shape{
	RAM:        {unit: PageSize},
	Frame:      {unit: PageSize},
	DevFrame:   {unit: PageSize},
	PML4:       {unit: PageSize, exact: PageSize},
	PDPT:       {unit: PageSize, exact: PageSize},
	PageDir:    {unit: PageSize, exact: PageSize},
	PageTable:  {unit: PageSize, exact: PageSize},
	CNode:      {unit: PageSize},
	Dispatcher: {unit: PageSize, exact: PageSize},
	Endpoint:   {unit: 1, exact: 1, plain: true},
	IRQ:        {unit: 1, plain: true},
}

// MaxEndpoints is how many endpoints one dispatcher can have: their numbers are 0 to
// MaxEndpoints-1.
const MaxEndpoints = 256

// becomes is what each type may be retyped to.
var becomes = [typeCount][]Type{
	RAM:        {RAM, Frame, PML4, PDPT, PageDir, PageTable, CNode, Dispatcher},
	Frame:      {Frame},
	DevFrame:   {DevFrame},
	Dispatcher: {Endpoint},
	IRQ:        {IRQ},
}

// Allowed reports whether objects of type to can be cut from one of type from.
func Allowed(from, to Type) bool {
	return from < typeCount && allowed(from, to)
}

// allowed reports whether objects of type to can be cut from one of type from.
func allowed(from, to Type) bool { return slices.Contains(becomes[from], to) }

// Rights are what a capability allows. A copy can have fewer, never more.
type Rights uint8

// Rights.
const (
	Read Rights = 1 << iota
	Write
	Execute
	Derive // retype and revoke
	Grant  // hand on to somebody else
	All    = Read | Write | Execute | Derive | Grant
)

func (r Rights) String() string {
	b := []byte("-----")
	for i, letter := range []byte("rwxdg") {
		if r&(1<<i) != 0 {
			b[i] = letter
		}
	}
	return string(b)
}

// Extent is what an object names: Size bytes of memory from address Base, or Size
// numbers from Base on.
type Extent struct {
	Type Type
	Base uint64
	Size uint64
}

func (e Extent) String() string {
	if shapes[e.Type].plain {
		return fmt.Sprintf("%v %d+%d", e.Type, e.Base, e.Size)
	}
	return fmt.Sprintf("%v %#x+%#x", e.Type, e.Base, e.Size)
}

// Check reports an extent that its type cannot have, with ErrType or ErrExtent.
func (e Extent) Check() error { return e.check() }

// Overlaps reports whether two extents of the same kind of numbers have some in common.
func (e Extent) Overlaps(f Extent) bool { return e.Base < f.Base+f.Size && f.Base < e.Base+e.Size }

// Within reports whether all of e is in f.
func (e Extent) Within(f Extent) bool { return e.Base >= f.Base && e.Base+e.Size <= f.Base+f.Size }

// check reports an extent that its type cannot have.
func (e Extent) check() error {
	if e.Type == Null || e.Type >= typeCount {
		return fmt.Errorf("caps: %v: no object has that type: %w", e.Type, ErrType)
	}
	s := shapes[e.Type]
	switch {
	case e.Size == 0 || e.Base+e.Size < e.Base,
		e.Base%s.unit != 0 || e.Size%s.unit != 0,
		s.exact != 0 && e.Size != s.exact:
		return fmt.Errorf("caps: %v: multiples of %d%s needed: %w", e, s.unit, exactly(s.exact), ErrExtent)
	}
	return nil
}

func exactly(n uint64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", a size of %d", n)
}
