package ledger

import (
	"encoding/binary"
	"errors"
	"slices"

	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/numbers"
)

// Save implements agreement.State.
func (l *Ledger) Save(b []byte) []byte {
	number := func(list ...uint64) {
		for _, v := range list {
			b = binary.AppendUvarint(b, v)
		}
	}
	number(l.area.extent.Base, l.area.extent.Size, uint64(l.lives.entered()))
	for c, n := range l.lives {
		if n.number == 0 {
			continue
		}
		alive := uint64(0)
		if n.alive {
			alive = 1
		}
		number(uint64(c), n.number, alive)
	}
	number(uint64(len(l.entries)))
	l.walk(func(e *entry) {
		number(uint64(e.id), uint64(e.parent.id), uint64(e.extent.Type), e.extent.Base, e.extent.Size)
		number(uint64(e.chosen+1), uint64(len(e.holders)))
		for _, h := range e.holders {
			number(uint64(h.Core), uint64(h.Rights))
		}
	})
	return b
}

var errSaved = errors.New("ledger: state of a sponsor: it ends in the middle, or says what cannot be: the cores run different versions, or share other memory")

// Load implements agreement.State.
func (l *Ledger) Load(b []byte) error {
	r := numbers.Reader{Rest: b}
	number := r.Below
	n := New(l.self, l.area.extent)
	const any = 1<<64 - 1
	if number(any) != l.area.extent.Base || number(any) != l.area.extent.Size {
		return errSaved
	}
	for i := number(cores.Max + 1); i > 0 && !r.Bad; i-- {
		core := int(number(cores.Max))
		one := life{number(maxLife + 1), number(2) == 1}
		if one.number == 0 {
			return errSaved
		}
		n.lives.set(core, one)
	}
	for i := number(any); i > 0 && !r.Bad; i-- {
		e := n.entry(ID(number(any)), caps.Extent{}, nil, nobody)
		parent := ID(number(any))
		e.extent = caps.Extent{Type: caps.Type(number(uint64(caps.IRQ) + 1)), Base: number(any), Size: number(any)}
		if e.parent = n.at(parent); parent == 0 {
			e.parent = n.root(e.extent.Type)
		}
		e.chosen = int(number(cores.Max+1)) - 1
		for j := number(cores.Max + 1); j > 0 && !r.Bad; j-- {
			core := int(number(cores.Max))
			e.hold(core, caps.Rights(number(uint64(caps.All)+1)))
		}
		if r.Bad || e.parent == nil || e.id == 0 || n.entries[e.id] != nil || e.extent.Check() != nil ||
			n.cut(e.parent, &operation{extent: e.extent, count: 1}) != nil {
			return errSaved
		}
		e.parent.children = slices.Insert(e.parent.children, e.parent.search(e.extent.Base), e)
		n.entries[e.id] = e
	}
	if r.Bad || len(r.Rest) > 0 || n.Check() != nil {
		return errSaved
	}
	*l = *n
	return nil
}
