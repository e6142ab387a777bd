package report

import (
	"encoding/binary"

	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
	"barreleye/guest/monitor/numbers"
)

// Caps is what a core's monitor knows of capabilities: its own, and what the ledger, which
// all cores know alike, says of the shared memory.
type Caps struct {
	Core    int
	Ready   bool // it holds the ledger
	Area    caps.Extent
	Free    uint64 // bytes of it that nobody has
	Objects []Object
	Entries []ledger.Entry
}

// Object is one of the core's own.
type Object struct {
	caps.Object
	Entry ledger.ID // 0: no other core knows of it
}

// Append appends the report to b.
func (c *Caps) Append(b []byte) []byte {
	put := func(list ...uint64) {
		for _, n := range list {
			b = binary.AppendUvarint(b, n)
		}
	}
	extent := func(e caps.Extent) { put(uint64(e.Type), e.Base, e.Size) }
	put(uint64(c.Core), bit(c.Ready))
	extent(c.Area)
	put(c.Free, uint64(len(c.Objects)))
	for _, o := range c.Objects {
		put(uint64(o.ID), uint64(o.Parent), uint64(o.Entry))
		extent(o.Extent)
		put(uint64(len(o.Copies)))
		for _, r := range o.Copies {
			put(uint64(r))
		}
	}
	put(uint64(len(c.Entries)))
	for _, e := range c.Entries {
		put(uint64(e.ID), uint64(e.Parent), uint64(e.Owner+1))
		extent(e.Extent)
		put(uint64(len(e.Holders)))
		for _, h := range e.Holders {
			put(uint64(h.Core), uint64(h.Rights))
		}
	}
	return b
}

// ParseCaps reads a report. It trusts nothing of it.
func ParseCaps(b []byte) (c Caps, err error) {
	in := numbers.Reader{Rest: b}
	number := in.Below
	extent := func() (e caps.Extent) {
		e.Type, e.Base, e.Size = caps.Type(number(uint64(caps.IRQ)+1)), number(1<<64-1), number(1<<64-1)
		return e
	}
	c.Core, c.Ready, c.Area, c.Free = int(number(most)), number(2) == 1, extent(), number(1<<64-1)
	for n := number(most); n > 0 && !in.Bad; n-- {
		var o Object
		o.ID, o.Parent, o.Entry, o.Extent = caps.ObjectID(number(1<<64-1)), caps.ObjectID(number(1<<64-1)), ledger.ID(number(1<<64-1)), extent()
		for n := number(most); n > 0 && !in.Bad; n-- {
			o.Copies = append(o.Copies, caps.Rights(number(uint64(caps.All)+1)))
		}
		c.Objects = append(c.Objects, o)
	}
	for n := number(most); n > 0 && !in.Bad; n-- {
		e := ledger.Entry{ID: ledger.ID(number(1<<64 - 1)), Parent: ledger.ID(number(1<<64 - 1)), Owner: int(number(most)) - 1, Extent: extent()}
		for n := number(most); n > 0 && !in.Bad; n-- {
			e.Holders = append(e.Holders, ledger.Holding{Core: int(number(most)), Rights: caps.Rights(number(uint64(caps.All) + 1))})
		}
		c.Entries = append(c.Entries, e)
	}
	if in.Bad || len(in.Rest) > 0 {
		return Caps{}, errReport
	}
	return c, nil
}
