package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"syscall"
	"unsafe"
)

const (
	page = 4 << 10
	huge = 2 << 20

	none  = syscall.PROT_NONE
	read  = syscall.PROT_READ
	write = syscall.PROT_READ | syscall.PROT_WRITE

	dontNeed = 4 // MADV_DONTNEED
)

// mmap maps size bytes of anonymous memory: at any place if at is 0, else
// there, in place of what is there.
func mmap(at, size uintptr, prot int) (uintptr, error) {
	flags := syscall.MAP_ANON | syscall.MAP_PRIVATE
	if at != 0 {
		flags |= syscall.MAP_FIXED
	}
	got, _, e := syscall.Syscall6(syscall.SYS_MMAP, at, size, uintptr(prot), uintptr(flags), ^uintptr(0), 0)
	if e != 0 {
		return 0, fmt.Errorf("mmap(%#x, %d KiB): %w", at, size>>10, e)
	}
	if at != 0 && got != at {
		return 0, fmt.Errorf("mmap(%#x, %d KiB, MAP_FIXED): mapped at %#x", at, size>>10, got)
	}
	return got, nil
}

func munmap(at, size uintptr) error {
	if _, _, e := syscall.Syscall(syscall.SYS_MUNMAP, at, size, 0); e != 0 {
		return fmt.Errorf("munmap(%#x, %d KiB): %w", at, size>>10, e)
	}
	return nil
}

func mprotect(at, size uintptr, prot int) error {
	if _, _, e := syscall.Syscall(syscall.SYS_MPROTECT, at, size, uintptr(prot)); e != 0 {
		return fmt.Errorf("mprotect(%#x, %d KiB, %d): %w", at, size>>10, prot, e)
	}
	return nil
}

func madvise(at, size uintptr, advice int) error {
	if _, _, e := syscall.Syscall(syscall.SYS_MADVISE, at, size, uintptr(advice)); e != 0 {
		return fmt.Errorf("madvise(%#x, %d KiB, %d): %w", at, size>>10, advice, e)
	}
	return nil
}

// word returns the 8 bytes at an address that is not Go memory.
func word(at uintptr) *uint64 { return *(**uint64)(unsafe.Pointer(&at)) }

// bytesOf returns the n bytes at an address that is not Go memory.
func bytesOf(at, n uintptr) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(word(at))), n) }

// loads reads the word at an address and reports a fault as ok == false.
func loads(at uintptr) (v uint64, ok bool) {
	ok = !faults(at, func() { v = *word(at) })
	return v, ok
}

// stores writes the word at an address and reports whether that went well.
func stores(at uintptr, v uint64) bool { return !faults(at, func() { *word(at) = v }) }

// faults does access and reports whether it ended in a fault at the address.
func faults(at uintptr, access func()) (fault bool) {
	old := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(old)
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		e, isRuntime := r.(runtime.Error)
		addr, has := r.(interface{ Addr() uintptr })
		if !isRuntime || !has || addr.Addr() != at {
			panic(fmt.Sprintf("fault at %#x recovered as %T %v", at, r, e))
		}
		fault = true
	}()
	access()
	return false
}
