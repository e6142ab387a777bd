package machine

import (
	"errors"
	"fmt"

	"barreleye/devices/boot"
	"barreleye/devices/growth"
	"barreleye/devices/layout"
	"barreleye/vmm/hostmem"
	"barreleye/vmm/life"

	"golang.org/x/sys/unix"
)

// Private RAM grows and shrinks while the core runs. Its addresses are reserved up to the
// limit, in the VMM and in the guest; what the guest asks for (devices/growth) becomes
// memory of the VMM, and a memory slot of its own. What it gives back is no memory of
// the guest any more, and the host has it again. All of that happens on the vCPU's thread,
// while the guest waits.

// size returns how much RAM there is at the start, in bytes: what the core is to have and
// what keeps book of what may come.
func (c *Config) size() uint64 { return c.RAM + c.spare() }

// end returns up to where there may be RAM.
func (c *Config) end() uint64 { return c.size() + c.MaxRAM - c.RAM }

// spare returns how many bytes page tables and frame bitmaps take for RAM that may come.
// They are there from the start, but take memory of the host only once they are used.
func (c *Config) spare() uint64 {
	blocks := (c.MaxRAM - c.RAM) / layout.HugeSize
	if blocks == 0 {
		return 0
	}
	tables := 2*blocks + blocks/128 + 8
	bitmaps := 2 * (blocks*layout.HugeSize/layout.PageSize/8 + layout.PageSize)
	return (tables*layout.PageSize + bitmaps + layout.HugeSize - 1) &^ (layout.HugeSize - 1)
}

// grownSlot is the slot of a part of RAM that was added.
type grownSlot struct {
	hostmem.Part
	slot int
}

// hostReserve is what the host keeps: it ends processes when it has nothing left.
const hostReserve = 64 << 20

// answer does what the guest asks for, and tells it. A core that lost memory in it is
// over.
func (m *Machine) answer(r growth.Request) (life.End, bool) {
	blocks, give := r.Blocks()
	from, to := blocks.Range()
	tell := &hostmem.View[boot.Page](m.ram, m.bootAt).Growth
	if !give {
		*tell = uint64(m.grow(hostmem.Part{From: from, To: to}))
		return life.End{}, false
	}
	answer, err := m.shrink(hostmem.Part{From: from, To: to})
	if err != nil {
		return m.end(life.Internal, err.Error()), true
	}
	*tell = uint64(answer)
	return life.End{}, false
}

// grow adds a part to RAM.
func (m *Machine) grow(p hostmem.Part) growth.Answer {
	if p.To > m.cfg.end() || p.To <= p.From {
		return growth.Limit
	}
	if free := m.available(); free < hostReserve || free-hostReserve < p.To-p.From {
		return growth.NoRoom
	}
	switch err := m.ram.Grow(p.From, p.To); {
	case errors.Is(err, hostmem.ErrParts):
		return growth.Limit
	case err != nil:
		return growth.NoRoom
	}
	m.ram.Advise(p.From, p.To, unix.MADV_HUGEPAGE)
	if m.cfg.Populate {
		m.ram.Advise(p.From, p.To, unix.MADV_POPULATE_WRITE)
	}
	if err := m.mapPart(p); err != nil {
		_ = m.ram.Shrink(p.From, p.To)
		return growth.Refused
	}
	return growth.Done
}

// available is how much memory the host has.
func (m *Machine) available() uint64 {
	if m.cfg.Available != nil {
		return m.cfg.Available()
	}
	return hostmem.Available()
}

// mapPart gives a part of RAM to the guest.
func (m *Machine) mapPart(p hostmem.Part) error {
	slot := m.slots.take()
	if err := m.vm.MapMemory(slot, layout.RAMGPA+p.From, p.To-p.From, m.ram.Address()+p.From, false); err != nil {
		m.slots.put(slot)
		return err
	}
	m.grown = append(m.grown, grownSlot{p, slot})
	return nil
}

// shrink takes a part out of RAM. A slot cannot become shorter: what is left of one is a
// new one, or two.
func (m *Machine) shrink(p hostmem.Part) (growth.Answer, error) {
	if !m.ram.HasAll(p) {
		return growth.Limit, nil
	}
	var kept []grownSlot
	var rest []hostmem.Part
	for _, g := range m.grown {
		if g.To <= p.From || g.From >= p.To {
			kept = append(kept, g)
			continue
		}
		if err := m.vm.MapMemory(g.slot, layout.RAMGPA+g.From, 0, m.ram.Address()+g.From, false); err != nil {
			return growth.Refused, fmt.Errorf("give memory back: %w", err)
		}
		m.slots.put(g.slot)
		if g.From < p.From {
			rest = append(rest, hostmem.Part{From: g.From, To: p.From})
		}
		if g.To > p.To {
			rest = append(rest, hostmem.Part{From: p.To, To: g.To})
		}
	}
	m.grown = kept
	for _, r := range rest {
		if err := m.mapPart(r); err != nil {
			return growth.Refused, fmt.Errorf("give memory back: %w", err)
		}
	}
	if err := m.ram.Shrink(p.From, p.To); err != nil {
		return growth.Refused, fmt.Errorf("give memory back: %w", err)
	}
	return growth.Done, nil
}
