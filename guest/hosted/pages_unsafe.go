package hosted

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"barreleye/devices/boot"
	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/urpc/pages"
)

// The debug mode for pages that cores hand over (package urpc/pages): pages that
// the program does not own are protected by Linux. The handler of faults
// (fault_unsafe.go) says in words what using one means; what to say is written down
// beforehand, a note per page, because a handler of signals can do next to nothing.

// A note is its length in one byte and its text.
const (
	noteShift = 7
	noteSize  = 1 << noteShift
)

// Words for the handler of faults, set before they are needed.
var (
	notedStart, notedSize uintptr // the pages that may have notes
	notes                 uintptr // the notes, outside the heap
)

// DebugPages reports whether pages that are handed over are to be mapped by their
// owner alone.
func (c *Core) DebugPages() bool { return c.page.Flags&boot.FlagDebugPages != 0 }

// CheckCaps reports whether the monitor tests all that must hold of capabilities.
func (c *Core) CheckCaps() bool { return c.page.Flags&boot.FlagCheckCaps != 0 }

// makeNotes makes room for the notes.
func (c *Core) makeNotes() error {
	all, err := c.view.Pairs()
	if err != nil || len(all) == 0 {
		return err
	}
	// shared memory does not count against the core's limit
	size := uintptr(len(all)) / layout.PageSize * noteSize
	at, err := mmap(0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED|syscall.MAP_ANON, -1)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	notes = at
	notedStart, notedSize = uintptr(unsafe.Pointer(&all[0])), uintptr(len(all))
	return nil
}

// ProtectPages changes what the program may do with whole pages of pools.
func (c *Core) ProtectPages(mem []byte, to pages.Access) error {
	if notes == 0 {
		if err := c.makeNotes(); err != nil {
			return fmt.Errorf("hosted core: %w: run without --debug pages", err)
		}
	}
	at := uintptr(unsafe.Pointer(&mem[0]))
	for p := at; p < at+uintptr(len(mem)); p += layout.PageSize {
		c.note(p, to)
	}
	prot := syscall.PROT_NONE
	if to == pages.ReadWrite {
		prot = syscall.PROT_READ | syscall.PROT_WRITE
	}
	if err := syscall.Mprotect(mem, prot); err != nil {
		return fmt.Errorf("hosted core: mprotect: %w: raise vm.max_map_count, or run without --debug pages", err)
	}
	return nil
}

// BorrowPages makes pages usable that another core lent to this one.
func (c *Core) BorrowPages(mem []byte) error {
	if err := syscall.Mprotect(mem, syscall.PROT_READ|syscall.PROT_WRITE); err != nil {
		return fmt.Errorf("hosted core: pages of others: mprotect: %w: raise vm.max_map_count, or use --isolate=false", err)
	}
	return nil
}

// note writes down what using the page at an address means.
func (c *Core) note(at uintptr, to pages.Access) {
	a, b, page, ok := c.view.PageAt(uint64(at))
	if !ok {
		return
	}
	pool := fmt.Sprintf("of cores %d and %d", a, b)
	if self := c.Core(); self == a || self == b {
		pool = fmt.Sprintf("with core %d", a+b-self)
	}
	where := notes + (at-notedStart)/layout.PageSize*noteSize
	n := unsafe.Slice(*(**byte)(unsafe.Pointer(&where)), noteSize)
	text := fmt.Appendf(nil, "page %d of the pool %s %s\n", page, pool, to.Used())
	n[0] = byte(copy(n[1:], text))
}

// traceWord returns the word by which the VMM says what a core shall note.
func traceWord(v *region.View, core int) *uint64 {
	return (*uint64)(unsafe.Pointer(&v.VMM(core).Trace))
}
