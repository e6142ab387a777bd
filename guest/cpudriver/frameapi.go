package cpudriver

import (
	"errors"

	"barreleye/guest/monitor/vspace"
)

// For goroutines: what of the driver's private RAM capabilities get, and how frames are
// mapped.

// Errors of these calls.
var (
	ErrLend   = errors.New("no private memory of that size in one piece: run with a larger --memory")
	ErrVNode  = errors.New("no page table left, or the memory is no lent RAM that is free")
	ErrSteps  = errors.New("the CPU driver refuses: page tables are not as the monitor thinks; report it")
	ErrMapped = errors.New("the core's map table is full: unmap something")
)

// LendRAM takes memory out of the core's private RAM for capabilities: a power of two of
// pages up to 256 KiB, at a multiple of its size, or a multiple of 2 MiB. It holds whatever it held before.
// LendRAM returns its guest-physical address.
func LendRAM(size uint64) (uint64, error) {
	r := invoke(callLend, size, 0, 0)
	if int64(r) < 0 {
		return 0, ErrLend
	}
	return r, nil
}

// ReturnRAM gives back what LendRAM returned. Nothing of it may be mapped, or a VNode.
func ReturnRAM(base, size uint64) error {
	if invoke(callReturn, base, size, 0) != 0 {
		return ErrSteps
	}
	return nil
}

// MakeVNode makes a page of lent RAM the empty VNode of a level, 3 to 1, and returns how
// steps call it.
func MakeVNode(base uint64, level uint8) (uint32, error) {
	r := invoke(callVNode, base, uint64(level), 0)
	if int64(r) < 0 {
		return 0, ErrVNode
	}
	return uint32(r), nil
}

// DropVNode makes an empty VNode that is nowhere linked lent RAM again.
func DropVNode(id uint32) error {
	if invoke(callDropVNode, uint64(id), 0, 0) != 0 {
		return ErrSteps
	}
	return nil
}

// DoSteps does steps, and drops what the TLB holds of what they take away. why says why
// mappings go, where they do: a number of package frames (Reason), and above its eight
// bits the core that wants it, plus one. With ErrMapped nothing was done.
func DoSteps(steps []vspace.Step, why uint64) error {
	if len(steps) == 0 {
		return nil
	}
	switch errno := -int64(invoke(callSteps, addressOf(&steps[0]), uint64(len(steps)), why)); errno {
	case 0:
		return nil
	case eNOMEM:
		return ErrMapped
	}
	return ErrSteps
}

// EntryOf returns the page-table entry that maps an address of a frame, 0 for none.
func EntryOf(addr uint64) uint64 { return invoke(callEntry, addr, 0, 0) }
