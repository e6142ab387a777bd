package ledger

import (
	"fmt"

	"barreleye/guest/monitor/caps"
)

// Check looks at everything that must hold at any time, in time proportional to what
// there is, and returns what does not. For tests, and for who suspects a mistake.
func (l *Ledger) Check() error {
	seen, taken := 0, uint64(0)
	var check func(p *entry) error
	check = func(p *entry) error {
		for i, e := range p.children {
			seen++
			switch {
			case l.entries[e.id] != e || e.parent != p:
				return fmt.Errorf("ledger: %v %v is below another, or has lost its name", e.id, e.extent)
			case e.extent.Check() != nil || !shareable(e.extent.Type) || !e.extent.Within(p.extent):
				return fmt.Errorf("ledger: %v %v is not in %v", e.id, e.extent, p.extent)
			case p != l.root(e.extent.Type) && !caps.Allowed(p.extent.Type, e.extent.Type):
				return fmt.Errorf("ledger: %v %v is below %v", e.id, e.extent, p.extent)
			case i > 0 && p.children[i-1].extent.Base+p.children[i-1].extent.Size > e.extent.Base:
				return fmt.Errorf("ledger: %v %v and %v %v overlap", p.children[i-1].id, p.children[i-1].extent, e.id, e.extent)
			case len(e.holders) == 0:
				return fmt.Errorf("ledger: %v %v: nobody holds it", e.id, e.extent)
			}
			for i, h := range e.holders {
				if !l.lives.of(h.Core).alive {
					return fmt.Errorf("ledger: %v %v: core %d holds it and is dead", e.id, e.extent, h.Core)
				}
				if i > 0 && e.holders[i-1].Core >= h.Core {
					return fmt.Errorf("ledger: %v %v: its holders %v are not in order", e.id, e.extent, e.holders)
				}
			}
			if _, ok := e.holder(e.owner()); !ok {
				return fmt.Errorf("ledger: %v %v: its owner, core %d, does not hold it", e.id, e.extent, e.owner())
			}
			if err := check(e); err != nil {
				return err
			}
		}
		return nil
	}
	for _, root := range []*entry{l.area, l.numbers} {
		if err := check(root); err != nil {
			return err
		}
	}
	if seen != len(l.entries) {
		return fmt.Errorf("ledger: %d entries, %d found below the area", len(l.entries), seen)
	}
	for _, e := range l.area.children {
		taken += e.extent.Size
	}
	for _, f := range l.Free() {
		taken += f.Size
	}
	if taken != l.area.extent.Size {
		return fmt.Errorf("ledger: %#x bytes are taken or free of %#x", taken, l.area.extent.Size)
	}
	return nil
}
