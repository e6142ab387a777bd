package vspace

import "barreleye/devices/layout"

// node is what a VNode's slots hold.
type node struct {
	Table
	up    *node // the VNode above, nil of the PML4
	at    uint16
	used  int // slots that hold something
	below map[uint16]*node
	large [Slots / 64]uint64 // of a PageDir: slots that hold large pages
}

// link puts a VNode into a slot of n.
func (n *node) link(slot uint16, t Table) *node {
	if n.below == nil {
		n.below = map[uint16]*node{}
	}
	b := &node{Table: t, up: n, at: slot}
	n.below[slot] = b
	n.used++
	return b
}

func (n *node) unlink(slot uint16) {
	delete(n.below, slot)
	n.used--
}

func (n *node) isLarge(slot uint16) bool { return n.large[slot/64]>>(slot%64)&1 != 0 }

func (n *node) setLarge(slot uint16, on bool) {
	if n.large[slot/64] &^= 1 << (slot % 64); on {
		n.large[slot/64] |= 1 << (slot % 64)
	}
}

// fill notes that count slots, which were empty, hold frames, or that they do no more.
func (n *node) fill(slot uint16, count int, on bool) {
	if n.Level == 2 {
		for i := range uint16(count) {
			n.setLarge(slot+i, on)
		}
	}
	if on {
		n.used += count
	} else {
		n.used -= count
	}
}

// find returns the VNode whose slot holds the frame at an address that is mapped.
func (n *node) find(addr uint64) *node {
	for b := n; b != nil; b = n.below[slotOf(addr, n.Level)] {
		n = b
	}
	return n
}

// run returns how many slots of n, all for pages of its size, go from an address to end or
// to the VNode's last.
func (n *node) run(addr, end uint64) int {
	first := slotOf(addr, n.Level)
	most := min(Slots-int(first), int((end-addr)/span(n.Level)))
	if n.Level == 1 {
		return most
	}
	count := 0
	for count < most && n.isLarge(first+uint16(count)) {
		count++
	}
	return count
}

// large reports whether memory at addr from frame on, up to end, begins with a page of 2 MiB.
func large(addr, frame, end uint64) bool {
	return (addr|frame)%layout.HugeSize == 0 && end-addr >= layout.HugeSize
}
