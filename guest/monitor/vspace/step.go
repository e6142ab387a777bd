package vspace

import (
	"fmt"

	"barreleye/devices/layout"
	"barreleye/guest/monitor/caps"
)

// Op is what a Step does.
type Op uint8

// Operations on a VNode's slots.
const (
	Link   Op = iota // an empty slot takes an empty VNode of the level below
	Fill             // empty slots take a frame, one page after the other
	Change           // slots with frames get another protection
	Split            // a slot with a large page takes an empty VNode that maps the same
	Clear            // slots with frames become empty
	Unlink           // a slot with an empty VNode becomes empty
)

var opNames = [...]string{"link", "fill", "change", "split", "clear", "unlink"}

func (o Op) String() string { return opNames[o] }

// Step is one operation on slots of one VNode. It holds no pointers: the CPU driver, which
// cannot follow any, gets steps as they are.
type Step struct {
	Op     Op
	Level  uint8 // of the VNode, 4 for a PML4 to 1
	Prot   uint8 // of Fill and Change: boot.Read, boot.Write
	_      uint8
	Node   uint32 // Table.ID of the VNode
	Slot   uint16 // the first
	Count  uint16 // slots
	Child  uint32 // of Link and Split: Table.ID of the VNode below
	Frame  uint64 // of Fill: guest-physical address
	Addr   uint64 // virtual address of the first slot's memory
	Pieces uint64 // bytes of memory that all slots stand for
}

// String writes the step as golden transcripts and errors do.
func (s Step) String() string {
	t := fmt.Sprintf("%v %v %d slot %d", s.Op, Type(s.Level), s.Node, s.Slot)
	if s.Count > 1 {
		t += fmt.Sprintf("+%d", s.Count)
	}
	switch s.Op {
	case Link, Split:
		t += fmt.Sprintf(": %v %d", Type(s.Level-1), s.Child)
	case Fill:
		t += fmt.Sprintf(": frame %#x prot %d", s.Frame, s.Prot)
	case Change:
		t += fmt.Sprintf(": prot %d", s.Prot)
	}
	return t + fmt.Sprintf(" at %#x", s.Addr)
}

// Type is that of the VNode of a level, from 4 to 1.
func Type(level uint8) caps.Type { return caps.PageTable - caps.Type(level-1) }

// shift is the number of address bits that a slot of a VNode of a level stands for.
func shift(level uint8) uint { return 12 + 9*uint(level-1) }

// span is the memory that a slot stands for, in bytes.
func span(level uint8) uint64 { return 1 << shift(level) }

// Slots is how many slots a VNode has.
const Slots = layout.PageSize / 8

func slotOf(addr uint64, level uint8) uint16 { return uint16(addr >> shift(level) % Slots) }
