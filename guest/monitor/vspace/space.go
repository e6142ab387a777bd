package vspace

import (
	"errors"
	"fmt"
	"slices"

	"barreleye/devices/layout"
)

// Refusals. Nothing has changed where one is returned.
var (
	// ErrRoom: no addresses are left.
	ErrRoom = errors.New("no addresses left; unmap something")
	// ErrRange: what was named is not within one mapping, by whole pages.
	ErrRange = errors.New("not whole pages of one mapping")
)

// Space is the addresses [low, high) of a domain.
type Space struct {
	low, high uint64
	root      *node
	spare     spares
	maps      []*Mapping // by address
	next      uint64     // where the search for addresses goes on
}

// Mapping is a frame at an address.
type Mapping struct {
	Start uint64 // virtual address
	Size  uint64 // bytes
	Frame uint64 // guest-physical address
}

// End is the first address behind it.
func (m *Mapping) End() uint64 { return m.Start + m.Size }

// New returns the empty space of addresses [low, high), both multiples of what a slot of a
// PML4 stands for. The slots of the PML4 for these are empty and nobody else's.
func New(low, high uint64, from Tables) *Space {
	return &Space{low: low, high: high, root: &node{Table: Table{Level: 4}}, spare: spares{from: from}, next: low}
}

// Map maps size bytes of memory from a guest-physical address on, both in whole pages, with
// prot (boot.Read, boot.Write), by pages of 2 MiB wherever they fit unless small. It fails
// with ErrRoom and with whatever Tables says.
func (s *Space) Map(frame, size uint64, prot uint8, small bool) (*Mapping, *Plan, error) {
	if size == 0 || (frame|size)%layout.PageSize != 0 {
		return nil, nil, fmt.Errorf("vspace: map %#x+%#x: %w", frame, size, ErrRange)
	}
	start, at, ok := s.place(frame, size, small)
	if !ok {
		return nil, nil, fmt.Errorf("vspace: map %d bytes: %w", size, ErrRoom)
	}
	m := &Mapping{Start: start, Size: size, Frame: frame}
	p := &Plan{space: s}
	for addr, end := start, start+size; addr < end; {
		level := uint8(1)
		if !small && large(addr, frame, end) {
			level = 2
		}
		n, err := s.table(p, addr, level)
		if err != nil {
			p.Undo()
			return nil, nil, err
		}
		slot := slotOf(addr, level)
		count := min(Slots-int(slot), int((end-addr)/span(level)))
		if level == 1 && !small {
			// up to where a large page fits
			for i := 1; i < count; i++ {
				if d := uint64(i) * layout.PageSize; large(addr+d, frame+d, end) {
					count = i
				}
			}
		}
		step := p.add(Fill, n, addr, count)
		step.Frame, step.Prot = frame, prot
		n.fill(slot, count, true)
		p.undo = append(p.undo, func() { n.fill(slot, count, false) })
		addr, frame = addr+step.Pieces, frame+step.Pieces
	}
	last := s.next
	s.maps, s.next = slices.Insert(s.maps, at, m), m.End()
	p.undo = append(p.undo, func() {
		i, _ := s.search(m.Start)
		s.maps, s.next = slices.Delete(s.maps, i, i+1), last
	})
	return m, p, nil
}

// table returns the VNode of a level for an address, and plans to link what is missing above
// it.
func (s *Space) table(p *Plan, addr uint64, level uint8) (*node, error) {
	n := s.root
	for n.Level > level {
		slot := slotOf(addr, n.Level)
		b := n.below[slot]
		if b == nil {
			t, err := s.spare.take(n.Level - 1)
			if err != nil {
				return nil, err
			}
			b = s.link(p, Link, n, addr, t)
			above := n
			p.undo = append(p.undo, func() { above.unlink(slot) })
		}
		n = b
	}
	return n, nil
}

func (s *Space) link(p *Plan, op Op, n *node, addr uint64, t Table) *node {
	p.add(op, n, addr, 1).Child = t.ID
	p.undo = append(p.undo, func() { s.spare.put(t) })
	return n.link(slotOf(addr, n.Level), t)
}

// Protect gives size bytes from an offset of a mapping on another protection, 0 for no
// access. Large pages that are not protected as a whole are split. It fails with ErrRange
// and with whatever Tables says.
func (s *Space) Protect(m *Mapping, offset, size uint64, prot uint8) (*Plan, error) {
	if at := s.Find(m.Start); at != m || size == 0 || (offset|size)%layout.PageSize != 0 || offset > m.Size || size > m.Size-offset {
		return nil, fmt.Errorf("vspace: protect %#x+%#x of %#x+%#x: %w", offset, size, m.Start, m.Size, ErrRange)
	}
	p := &Plan{space: s}
	for addr, end := m.Start+offset, m.Start+offset+size; addr < end; {
		n := s.root.find(addr)
		if n.Level == 2 && (addr%layout.HugeSize != 0 || end-addr < layout.HugeSize) {
			t, err := s.spare.take(1)
			if err != nil {
				p.Undo()
				return nil, err
			}
			n = s.split(p, n, addr, t)
		}
		count := n.run(addr, end)
		step := p.add(Change, n, addr, count)
		step.Prot = prot
		addr += step.Pieces
	}
	return p, nil
}

// split replaces a large page by a VNode that maps the same.
func (s *Space) split(p *Plan, n *node, addr uint64, t Table) *node {
	slot := slotOf(addr, n.Level)
	n.fill(slot, 1, false)
	b := s.link(p, Split, n, addr, t)
	b.fill(0, Slots, true)
	p.undo = append(p.undo, func() {
		n.unlink(slot)
		n.fill(slot, 1, true)
	})
	return b
}

// Unmap takes a mapping away, and every VNode that it leaves empty. Its plan cannot be
// undone. It fails with ErrRange.
func (s *Space) Unmap(m *Mapping) (*Plan, error) {
	i, ok := s.search(m.Start)
	if !ok || s.maps[i] != m {
		return nil, fmt.Errorf("vspace: unmap %#x+%#x: %w", m.Start, m.Size, ErrRange)
	}
	s.maps = slices.Delete(s.maps, i, i+1)
	p := &Plan{space: s}
	for addr := m.Start; addr < m.End(); {
		n := s.root.find(addr)
		count := n.run(addr, m.End())
		pieces := p.add(Clear, n, addr, count).Pieces
		n.fill(slotOf(addr, n.Level), count, false)
		for ; n.used == 0 && n.up != nil; n = n.up {
			p.add(Unlink, n.up, addr, 1).Child = n.ID
			n.up.unlink(n.at)
			p.free = append(p.free, n.Table)
		}
		addr += pieces
	}
	return p, nil
}

// Trim gives back the VNodes that are kept for the next mapping.
func (s *Space) Trim() { s.spare.trim(0) }

// Find returns the mapping at an address, nil for none.
func (s *Space) Find(addr uint64) *Mapping {
	if i, ok := s.search(addr); ok {
		return s.maps[i]
	}
	return nil
}

// Mappings returns all mappings, by address.
func (s *Space) Mappings() []*Mapping { return slices.Clone(s.maps) }

// search returns the place of the mapping at addr, or that of the first one behind it.
func (s *Space) search(addr uint64) (int, bool) {
	return slices.BinarySearchFunc(s.maps, addr, func(m *Mapping, addr uint64) int {
		switch {
		case m.End() <= addr:
			return -1
		case m.Start > addr:
			return 1
		}
		return 0
	})
}

// place finds addresses for memory, and the place of the mapping there: behind the last one
// that was made, or before all others where nothing is left there. Memory in which a large
// page fits lies so that it does.
func (s *Space) place(frame, size uint64, small bool) (start uint64, at int, ok bool) {
	if start, at, ok = s.fit(s.next, frame, size, small); !ok {
		start, at, ok = s.fit(s.low, frame, size, small)
	}
	return start, at, ok
}

func (s *Space) fit(from, frame, size uint64, small bool) (start uint64, at int, ok bool) {
	at, _ = s.search(from)
	for {
		start = from + layout.PageSize // a guard in front
		if !small && size >= layout.HugeSize {
			start += (frame - start) % layout.HugeSize
		}
		end := s.high
		if at < len(s.maps) {
			end = s.maps[at].Start
		}
		if end >= start && end-start > size { // and one behind
			return start, at, true
		}
		if at == len(s.maps) {
			return 0, 0, false
		}
		from = s.maps[at].End()
		at++
	}
}
