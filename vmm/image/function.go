package image

import (
	"fmt"
	"slices"

	"barreleye/devices/layout"

	"golang.org/x/arch/x86/x86asm"
)

// function is one function of the text, decoded as far as was needed.
type function struct {
	name     string
	va       uint64
	code     []byte
	insts    []inst
	end      int   // how far insts reach
	lost     bool  // the code at end could not be decoded
	targets  []int // sorted offsets that something jumps to
	indirect *inst // a jump whose target is unknown, nil when there is none
}

// decode continues until the instructions cover the first limit bytes.
func (f *function) decode(limit int) {
	for f.end < limit && !f.lost {
		in, ok := decodeInst(f.code, f.end)
		if !ok {
			f.lost = true
			return
		}
		f.insts = append(f.insts, in)
		f.end = in.end()
	}
}

// findTargets collects where branches of f, the ELF entry and the words of the
// image table lead.
func (f *function) findTargets(im *Image) {
	for i := range f.insts {
		switch in := &f.insts[i]; {
		case in.branch:
			f.targets = append(f.targets, int(in.target))
		case in.op == x86asm.JMP:
			f.indirect = in
		}
	}
	for _, va := range append([]uint64{im.Entry}, im.Table[layout.TableSyscall:]...) {
		if va >= f.va && va-f.va < uint64(len(f.code)) {
			f.targets = append(f.targets, int(va-f.va))
		}
	}
	slices.Sort(f.targets)
}

func (f *function) isTarget(off int) bool {
	_, ok := slices.BinarySearch(f.targets, off)
	return ok
}

// movable returns the index of the first instruction that has to be displaced
// so that the SYSCALL at index i makes room for a jump, or why that cannot be.
//
// Jumps through memory or registers are not followed: a function that has one
// is refused as a whole. Calls of and jumps into a function from others are
// taken to enter at its start, as the Go tools make them.
//
// RCX needs no rule: the displaced instructions run before the stub loads it,
// in their old order, so they read the RCX they always read, and SYSCALL would
// have overwritten whatever they wrote to it.
func (f *function) movable(i int) (first int, reason string) {
	if f.lost {
		return 0, fmt.Sprintf("undecodable code at +%#x behind it may branch to it", f.end)
	}
	if f.indirect != nil {
		return 0, fmt.Sprintf("JMP at +%#x is indirect and may lead to it", f.indirect.off)
	}
	call := &f.insts[i]
	for first = i; call.end()-f.insts[first].start() < jumpLen; first-- {
		// This one will not be the first, so nothing may enter here.
		if f.isTarget(f.insts[first].start()) {
			return 0, fmt.Sprintf("%v at +%#x is the target of a branch", f.insts[first].name(), f.insts[first].off)
		}
		if first == 0 {
			return 0, fmt.Sprintf("function too short: %d bytes up to the call, want %d", call.end(), jumpLen)
		}
		prev := &f.insts[first-1]
		switch {
		case prev.flow:
			return 0, fmt.Sprintf("%v at +%#x before it transfers control", prev.name(), prev.off)
		case prev.ripRel:
			return 0, fmt.Sprintf("%v at +%#x before it is RIP-relative", prev.name(), prev.off)
		}
	}
	return first, ""
}

// Before returns the address of the instruction that ends where another begins, as
// long as all code before it in its function can be decoded.
func (im *Image) Before(pc uint64) (uint64, bool) {
	i := im.funcs.find(pc - 1)
	if i < 0 {
		return 0, false
	}
	f := function{va: im.funcs.entry(i)}
	if f.code = im.bytesAt(f.va, im.funcs.entry(i+1)-f.va); f.code == nil {
		return 0, false
	}
	size := int(pc - f.va)
	f.decode(size)
	if n := len(f.insts); n > 0 && f.end == size {
		return f.va + uint64(f.insts[n-1].off), true
	}
	return 0, false
}
