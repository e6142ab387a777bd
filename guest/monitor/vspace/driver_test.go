package vspace

import (
	"fmt"

	"barreleye/devices/layout"
)

// driver does steps to page tables of its own, as the CPU driver does, and refuses what
// that refuses.
type driver struct {
	tables map[uint32]*table
	last   uint32
	left   int // tables that Take gives
	out    int // tables that were taken and not dropped
}

type table struct {
	Table
	linked bool
	slots  [Slots]entry
}

// entry is what a slot holds: nothing, a table, or a frame.
type entry struct {
	child uint32
	frame uint64
	used  bool
	large bool
	prot  uint8
}

func newDriver(left int) *driver {
	return &driver{tables: map[uint32]*table{0: {Table: Table{Level: 4}}}, left: left}
}

var errNone = fmt.Errorf("no table left")

func (d *driver) Take(level uint8) (Table, error) {
	if d.left == 0 {
		return Table{}, errNone
	}
	d.left--
	d.out++
	d.last++
	t := Table{d.last, level}
	d.tables[t.ID] = &table{Table: t}
	return t, nil
}

func (d *driver) Drop(t Table) {
	if have := d.tables[t.ID]; have == nil || have.linked || !have.empty() || have.Table != t {
		panic(fmt.Sprintf("dropped %+v", t))
	}
	delete(d.tables, t.ID)
	d.left++
	d.out--
}

func (t *table) empty() bool { return t.slots == [Slots]entry{} }

func (d *driver) apply(steps []Step) error {
	for _, s := range steps {
		if err := d.step(s); err != nil {
			return fmt.Errorf("%v: %w", s, err)
		}
	}
	return nil
}

func (d *driver) step(s Step) error {
	t := d.tables[s.Node]
	switch {
	case t == nil || t.Level != s.Level:
		return fmt.Errorf("no such VNode")
	case s.Count == 0 || int(s.Slot)+int(s.Count) > Slots:
		return fmt.Errorf("slots")
	case s.Addr%span(s.Level) != 0 || slotOf(s.Addr, s.Level) != s.Slot || s.Pieces != uint64(s.Count)*span(s.Level):
		return fmt.Errorf("address")
	}
	if s.Op == Link || s.Op == Split || s.Op == Unlink {
		c := d.tables[s.Child]
		switch e := &t.slots[s.Slot]; {
		case s.Count != 1 || c == nil || c.Level != s.Level-1 || !c.empty():
			return fmt.Errorf("VNode below")
		case s.Op == Unlink:
			if e.child != s.Child {
				return fmt.Errorf("not there")
			}
			*e, c.linked = entry{}, false
			return nil
		case c.linked || e.child != 0:
			return fmt.Errorf("linked")
		case s.Op == Link && *e != entry{}, s.Op == Split && !e.large:
			return fmt.Errorf("slot")
		default:
			for i := range c.slots {
				if s.Op == Split {
					c.slots[i] = entry{frame: e.frame + uint64(i)*layout.PageSize, used: true, prot: e.prot}
				}
			}
			*e, c.linked = entry{child: s.Child}, true
			return nil
		}
	}
	if s.Level > 2 || s.Level == 2 && s.Op == Fill && s.Frame%layout.HugeSize != 0 {
		return fmt.Errorf("level")
	}
	for i := range uint64(s.Count) {
		e := &t.slots[uint64(s.Slot)+i]
		if e.child != 0 || e.used == (s.Op == Fill) {
			return fmt.Errorf("slot %d", uint64(s.Slot)+i)
		}
		switch s.Op {
		case Fill:
			*e = entry{frame: s.Frame + i*span(s.Level), used: true, large: s.Level == 2, prot: s.Prot}
		case Change:
			e.prot = s.Prot
		case Clear:
			*e = entry{}
		}
	}
	return nil
}

// at walks the tables to an address.
func (d *driver) at(addr uint64) (e entry, ok bool) {
	t := d.tables[0]
	for {
		e = t.slots[slotOf(addr, t.Level)]
		if e.child == 0 {
			e.frame += addr & (span(t.Level) - 1) &^ (layout.PageSize - 1)
			return e, e.used
		}
		t = d.tables[e.child]
	}
}

// used counts the slots that hold frames, in 4 KiB.
func (d *driver) used() (pages int) {
	for _, t := range d.tables {
		for _, e := range t.slots {
			if e.used {
				pages += int(span(t.Level) / layout.PageSize)
			}
		}
	}
	return pages
}
