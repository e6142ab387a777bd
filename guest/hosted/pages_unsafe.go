package hosted

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"barreleye/devices/boot"
	"barreleye/devices/layout"
	"barreleye/urpc/pages"
)

// The debug mode for pages that cores hand over (package urpc/pages): pages that
// the program does not own are protected by Linux. A handler in front of the
// runtime's says in words what using one means; what to say is written down
// beforehand, a note per page, because a handler of signals can do next to
// nothing.

// A note is its length in one byte and its text.
const (
	noteShift = 7
	noteSize  = 1 << noteShift
)

// Words for the handler, set before it is.
var (
	notedStart, notedSize uintptr // the pages that may have notes
	notes                 uintptr // the notes, outside the heap
	nextHandler           uintptr // the runtime's
)

// faultEntry is the handler, writeNote a part of it; they are not for Go to call.
// faultEntryAddress is where the handler is.
func faultEntry()
func writeNote()
func faultEntryAddress() uintptr

// DebugPages reports whether pages that are handed over are to be mapped by their
// owner alone.
func (c *Core) DebugPages() bool { return c.page.Flags&boot.FlagDebugPages != 0 }

// sigaction is struct kernel_sigaction (include/linux/signal_types.h).
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

// explainFaults puts the handler in its place.
func (c *Core) explainFaults() error {
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
	notedStart, notedSize, notes = uintptr(unsafe.Pointer(&all[0])), uintptr(len(all)), at
	var a sigaction
	if err := setAction(nil, &a); err != nil {
		return err
	}
	nextHandler, a.handler = a.handler, faultEntryAddress()
	return setAction(&a, nil)
}

// setAction changes and tells what SIGSEGV does.
func setAction(new, old *sigaction) error {
	_, _, e := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGSEGV),
		uintptr(unsafe.Pointer(new)), uintptr(unsafe.Pointer(old)), unsafe.Sizeof(sigaction{}.mask), 0, 0)
	if e != 0 {
		return os.NewSyscallError("rt_sigaction", e)
	}
	return nil
}

// ProtectPages changes what the program may do with whole pages of pools.
func (c *Core) ProtectPages(mem []byte, to pages.Access) error {
	if notes == 0 {
		if err := c.explainFaults(); err != nil {
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
