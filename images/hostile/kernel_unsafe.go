package main

import (
	"math/rand/v2"
	"reflect"
	"syscall"
	"unsafe"

	"barreleye/devices/boot"
	"barreleye/devices/layout"
)

// Page-table entries (SDM vol. 3, 4.5).
const (
	present   = 1 << 0
	writable  = 1 << 1
	user      = 1 << 2
	uncached  = 1 << 4
	huge      = 1 << 7
	frameBits = 0xf_ffff_ffff_f000
)

// window is a page whose entry in the page table is changed to see other memory.
var window struct {
	va    uintptr
	entry *uint64
	own   uint64 // the entry that it had
}

// word returns an entry of the page table at a guest-physical address, by the window
// that the CPU driver has on all of them.
func tableWord(table uint64, i uint64) *uint64 {
	page := (*boot.Page)(at(layout.BootVA))
	return (*uint64)(at(layout.PageTableVA + uintptr(table-page.Tables) + uintptr(i)*8))
}

// entryOf returns the last entry on the way to an address, nil where there is no way.
func entryOf(va uintptr) *uint64 {
	table := (*boot.Page)(at(layout.BootVA)).Tables
	for shift := 39; ; shift -= 9 {
		e := tableWord(table, uint64(va)>>shift&511)
		switch {
		case *e&present == 0:
			return nil
		case shift == 12 || *e&huge != 0:
			return e
		}
		table = *e & frameBits
	}
}

// prepareKernel makes the window, and turns the breakpoint into a way to CPL0.
func prepareKernel() {
	mem, err := syscall.Mmap(-1, 0, layout.PageSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		return
	}
	mem[0] = 1 // now it has a page
	window.va = uintptr(unsafe.Pointer(&mem[0]))
	if window.entry = entryOf(window.va); window.entry == nil || *window.entry&huge != 0 {
		window.entry = nil
		return
	}
	window.own = *window.entry
	tables := entryOf(layout.TablesVA + layout.PageSize) // the second page is the IDT
	if tables == nil {
		return
	}
	see(*tables & frameBits)
	const breakpoint = 3
	gate := (*[2]uint64)(at(window.va + breakpoint*16))
	target := uint64(reflect.ValueOf(kernel).Pointer())
	const present, forProgram, stack = 0x8e, 3 << 5, 1
	gate[1] = target >> 32
	gate[0] = target&0xffff | layout.KernelCS<<16 | stack<<32 | (present|forProgram)<<40 | target>>16&0xffff<<48
	see(window.own & frameBits)
}

// see has the window show a page of guest-physical memory.
func see(gpa uint64) {
	*window.entry = gpa&frameBits | present | writable | user | uncached
	flush()
}

// flush drops the TLB, as the driver does when memory goes.
func flush() {
	if mem, err := syscall.Mmap(-1, 0, 1<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON); err == nil {
		mem[0] = 1
		_ = syscall.Munmap(mem)
	}
}

// reach uses guest-physical memory anywhere, most often where there is something.
func reach(rng *rand.Rand) error {
	if window.entry == nil {
		return errProcess
	}
	bases := []uint64{0, layout.ImageGPA, layout.DoorbellGPA, layout.PowerGPA, layout.APICGPA, layout.TSSAddrGPA, 0xfec00000,
		layout.RAMGPA, layout.RegionGPA, layout.FilesGPA, rng.Uint64() & frameBits}
	see(bases[rng.IntN(len(bases))] + rng.Uint64N(1<<rng.IntN(24))&^0xfff)
	defer see(window.own & frameBits)
	access(rng, window.va+uintptr(rng.IntN(layout.PageSize-64))&^7)
	return nil
}

// remap changes an entry of a page table.
func remap(rng *rand.Rand) error {
	if window.entry == nil {
		return errProcess
	}
	page := (*boot.Page)(at(layout.BootVA))
	e := tableWord(page.Tables+rng.Uint64N(page.TablesUsed)*layout.PageSize, rng.Uint64N(512))
	if rng.IntN(2) == 0 {
		*e ^= 1 << rng.IntN(64)
	} else {
		*e = value(rng)
	}
	flush()
	return nil
}

// state is what the registers are set to.
type state struct{ ax, bx, cx, dx, si, di, r8, r9, r10, r11, r12, r13, r15 uint64 }

// kernelOps is how many things kernel can do.
const kernelOps = 20

// rule does something at CPL0.
func rule(rng *rand.Rand) error {
	if window.entry == nil {
		return errProcess
	}
	op := uint64(rng.IntN(kernelOps))
	s := random(rng)
	if rng.IntN(2) == 0 { // a model-specific register that there may be
		s.cx = []uint64{0x10, 0x1b, 0x3b, 0x6e0, 0x174, 0x277, 0x1a0, 0x1d9, 0x4b564d00, 0x4b564d01, 0x4b564d02, 0x4b564d03, 0x4b564d04, 0x4b564d06,
			0x40000000, 0x40000001, 0x40000073, 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000100, 0xc0000101, 0xc0000103, 0xc0010015,
			0x802 + uint64(rng.IntN(64))}[rng.IntN(25)]
	}
	s.r8 = op
	ruleAs(&s)
	return nil
}

// misuse loads registers and runs an instruction.
func misuse(rng *rand.Rand) error {
	if !inGuest() {
		return errProcess // a process cannot take the stack away from under its signals
	}
	s := random(rng)
	misuseAs(&s, uint64(rng.IntN(misuses)))
	return nil
}

// misuses is how many instructions misuseAs knows.
const misuses = 18

func random(rng *rand.Rand) (s state) {
	for _, r := range []*uint64{&s.ax, &s.bx, &s.cx, &s.dx, &s.si, &s.di, &s.r8, &s.r9, &s.r10, &s.r11, &s.r12, &s.r13, &s.r15} {
		*r = value(rng)
		if rng.IntN(4) == 0 {
			*r = uint64(uintptr(unsafe.Pointer(&scratch[rng.IntN(len(scratch))])))
		}
	}
	return s
}

// kernel is where a breakpoint leads: at CPL0, on the stack of exceptions. R8 says what
// to do with the other registers.
func kernel()

// ruleAs loads registers and raises a breakpoint. It may be called where that leads to
// kernel.
func ruleAs(s *state)

// misuseAs loads registers and runs an instruction, by number.
func misuseAs(s *state, which uint64)
