package operator

import (
	"context"

	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
	"barreleye/guest/monitor/report"
	"barreleye/vmm/control"
	"barreleye/vmm/multikernel"
)

// Caps asks which capabilities a core has (CapsArgs); the answer is a CapsReport.
const Caps = "caps"

// CapsArgs are the arguments of Caps.
type CapsArgs struct {
	Core int `json:"core"`
}

// CapsReport is what a core's monitor knows of capabilities.
type CapsReport struct {
	Core
	Ready bool   `json:"ready"` // it knows what the others share
	Base  uint64 `json:"shared_base"`
	Size  uint64 `json:"shared_size"` // bytes
	Free  uint64 `json:"shared_free"` // bytes that nobody has taken
	// Own are the core's, Shared what all cores know of: a parent before what was cut
	// from it.
	Own    []Object `json:"own"`
	Shared []Entry  `json:"shared"`
}

// Extent is memory, or other things by number.
type Extent struct {
	Type string `json:"type"`
	Base uint64 `json:"base"`
	Size uint64 `json:"size"`
}

// Object is something that a core has capabilities to.
type Object struct {
	ID     uint64 `json:"id"`
	Parent uint64 `json:"parent,omitempty"` // from which it was cut on this core
	Entry  string `json:"entry,omitempty"`  // where all cores know of it
	Extent
	Rights []string `json:"rights"` // of each capability, as in "rwxdg"
}

// Entry is some of the shared memory that one core or more hold.
type Entry struct {
	ID     string `json:"id"`
	Parent string `json:"parent,omitempty"` // from which it was cut
	Extent
	Owner   int       `json:"owner"`
	Holders []Holding `json:"holders"`
}

// Holding is what one core may do with an entry.
type Holding struct {
	Core   int    `json:"core"`
	Rights string `json:"rights"`
}

func extent(e caps.Extent) Extent { return Extent{e.Type.String(), e.Base, e.Size} }

func entryName(id ledger.ID) string {
	if id == 0 {
		return ""
	}
	return id.String()
}

func (o *Operator) caps(_ context.Context, q *control.Request) (any, error) {
	args, err := arguments[CapsArgs](q)
	if err != nil {
		return nil, err
	}
	reply, err := o.do(multikernel.Command{Op: multikernel.OpCaps, Core: args.Core})
	if err != nil {
		return nil, err
	}
	c, err := report.ParseCaps(reply.Data)
	if err != nil {
		return nil, err
	}
	r := CapsReport{
		Core: Core{reply.Core, reply.Life}, Ready: c.Ready, Base: c.Area.Base, Size: c.Area.Size, Free: c.Free,
		Own: []Object{}, Shared: []Entry{},
	}
	for _, x := range c.Objects {
		one := Object{ID: uint64(x.ID), Parent: uint64(x.Parent), Entry: entryName(x.Entry), Extent: extent(x.Extent), Rights: []string{}}
		for _, rights := range x.Copies {
			one.Rights = append(one.Rights, rights.String())
		}
		r.Own = append(r.Own, one)
	}
	for _, e := range c.Entries {
		one := Entry{ID: e.ID.String(), Parent: entryName(e.Parent), Extent: extent(e.Extent), Owner: e.Owner, Holders: []Holding{}}
		for _, h := range e.Holders {
			one.Holders = append(one.Holders, Holding{h.Core, h.Rights.String()})
		}
		r.Shared = append(r.Shared, one)
	}
	return r, nil
}
