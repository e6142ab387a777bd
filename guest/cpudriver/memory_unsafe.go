package cpudriver

import (
	"unsafe"

	"barreleye/devices/region"
	"barreleye/guest/monitor/vspace"
)

// Program memory is reached by address: the driver's state must not hold Go
// pointers. A wrong address faults inside the driver, which ends the core with
// a crash report (fault.go) unless the page is one populated on first touch.

func load64(a uint64) uint64     { return *(*uint64)(pointer(a)) }
func store64(a, v uint64)        { *(*uint64)(pointer(a)) = v }
func load32(a uint64) uint32     { return *(*uint32)(pointer(a)) }
func store32(a uint64, v uint32) { *(*uint32)(pointer(a)) = v }

// bytesAt returns the n bytes of program memory at a.
func bytesAt(a, n uint64) []byte { return unsafe.Slice((*byte)(pointer(a)), n) }

// pointer turns an address that is not Go heap memory into a pointer.
func pointer(a uint64) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&a)) }

// addressOf returns the address of a package variable or of region memory.
func addressOf[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

// contextAt returns the context at an address kept in current.
func contextAt(a uintptr) *context { return (*context)(pointer(uint64(a))) }

// stepAt returns step i of those at an address.
func stepAt(a, i uint64) *vspace.Step {
	return (*vspace.Step)(pointer(a + i*uint64(unsafe.Sizeof(vspace.Step{}))))
}

// typed returns the structure at a fixed address of the memory map.
func typed[T any](a uint64) *T { return (*T)(pointer(a)) }

// setCurrent makes c the context that leave resumes.
func setCurrent(c *context) { current = uintptr(unsafe.Pointer(c)) }

// The frame that IRETQ takes lies in this order, without gaps.
const (
	_ = -(unsafe.Offsetof(context{}.cs) - unsafe.Offsetof(context{}.rip) - 8)
	_ = -(unsafe.Offsetof(context{}.rflags) - unsafe.Offsetof(context{}.rip) - 16)
	_ = -(unsafe.Offsetof(context{}.rsp) - unsafe.Offsetof(context{}.rip) - 24)
	_ = -(unsafe.Offsetof(context{}.ss) - unsafe.Offsetof(context{}.rip) - 32)
)

// driverG's first words are the stack bounds of a runtime.g.
const _ = 1024 - unsafe.Sizeof(driverG)

// contextSize is the distance between two contexts in bytes.
const contextSize = uint64(unsafe.Sizeof(context{}))

// contextsSize is that of all, which are the driver's largest variable: the linker
// sorts by size, so they are the last of its zeroed data.
const contextsSize = maxContexts * contextSize

// publishThreads tells where threads' registers are, for whoever looks at this
// core when it is dead.
func publishThreads() {
	var c context
	view.Crash(coreID).Threads = region.Threads{
		First: addressOf(&contexts[0]), Stride: contextSize, Count: maxContexts, Current: addressOf(&current),
		Registers: uint64(unsafe.Offsetof(c.rax)), Base: uint64(unsafe.Offsetof(c.fs)), Vector: uint64(unsafe.Offsetof(c.vector)),
		State: uint64(unsafe.Offsetof(c.state)), TID: uint64(unsafe.Offsetof(c.tid)), Call: uint64(unsafe.Offsetof(c.call)),
	}
}

// The registers lie in the order that region.Threads gives, without gaps.
const (
	_ = -(unsafe.Offsetof(context{}.ss) - unsafe.Offsetof(context{}.rax) - (region.ThreadRegisters-1)*8)
	_ = -(unsafe.Offsetof(context{}.rip) - unsafe.Offsetof(context{}.rax) - 15*8)
	_ = -(unsafe.Offsetof(context{}.r8) - unsafe.Offsetof(context{}.rax) - 7*8)
)
