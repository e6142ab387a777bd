// Package boot defines the boot page: what the VMM tells a guest once, before
// its first instruction. The guest sees it read-only at layout.BootVA.
package boot

import "unsafe"

// Magic marks a boot page ("BRLBOOT1", little-endian).
const Magic = 0x31544f4f424c5242

// Kinds of a mapping, as kept in the core's map table.
const (
	KindText     = iota + 1 // patched image text, shared by all guests
	KindReadOnly            // image read-only data, shared by all guests
	KindData                // image data and BSS, private
	KindStubs               // system-call stubs
	KindDriver              // driver stacks, CPL0 tables, boot and entropy pages
	KindStack               // first thread's stack with argv, env, auxv
	KindFrames              // frame bitmaps and page-table window
	KindRegion              // shared region
	KindDevice              // doorbell and power registers
	KindAnon                // anonymous memory, present
	KindLazy                // anonymous memory, populated on first touch
	KindReserved            // address space without memory (PROT_NONE)
	KindFiles               // file tree, shared by all guests
	KindFrame               // a frame that the program has mapped by a capability
)

// Protection bits, the values of PROT_READ, PROT_WRITE and PROT_EXEC.
const (
	Read  = 1
	Write = 2
	Exec  = 4
)

// Mapping is one initial entry of the core's map table: the range
// [Start, End) of virtual addresses in bytes.
type Mapping struct {
	Start, End uint64
	Kind       uint8
	Prot       uint8
	Huge       uint8 // 1: mapped by 2 MiB pages
	_          uint8
	Frame      uint32 // of KindFrame: guest-physical address of Start, in pages
}

// MaxMappings bounds the initial mappings of one guest.
const MaxMappings = 32

// Page is the boot page. Only the VMM writes it, before the vCPU starts; Growth
// also while that waits for the answer, and Steal.
type Page struct {
	Magic, ABI uint64
	Core       uint32 // index of this core
	Cores      uint32 // cores of this multikernel
	Life       uint64 // life of this core, 1 for the first

	RAMSize uint64 // bytes of private RAM from layout.RAMGPA that there are at the start
	RAMEnd  uint64 // bytes up to which there may be more (devices/growth)
	Spare   uint64 // of RAMSize, bytes that only keep book of what may come: they are not counted
	Frames  uint64 // virtual address of the "in use" bitmap, one bit per 4 KiB frame
	Dirty   uint64 // virtual address of the "was used before" bitmap, same size

	Tables     uint64 // guest-physical address of the page-table pool; its first page is the root
	TablePages uint64 // pages in the pool
	TablesUsed uint64 // pages the VMM used

	RegionSize uint64 // bytes
	FilesSize  uint64 // bytes of the file tree (at layout.FilesVA in a guest), 0 where there is none
	TickCount  uint64 // LAPIC timer counts per tick, 0: no tick
	TickSpread uint64 // each tick comes up to this many counts later, at random; 0 but in stress tests
	PollCycles uint64 // TSC cycles the idle loop polls before it halts
	Flags      uint64

	// Growth answers the last request for memory (growth.Answer).
	Growth uint64

	MappingCount uint64
	Mappings     [MaxMappings]Mapping

	_ [4]uint64
	// Steal is written by KVM (struct kvm_steal_time): for how many ns this core could have run
	// but the host ran something else. It is brought up to date before the core goes on, and
	// stays 0 where the host's kernel does not measure it.
	Steal uint64
	_     [7]uint64 // the rest of the structure
}

// KVM wants the structure of 64 bytes aligned to its size.
const (
	StealAt   = unsafe.Offsetof(Page{}.Steal)
	stealSize = 64
	_         = -(StealAt % stealSize)
	_         = -(unsafe.Sizeof(Page{}) - StealAt - stealSize)
)

// Bits of Page.Flags.
const (
	// FlagShortTimers makes idle waits of under a millisecond poll instead
	// of halting; set when guests do not outnumber CPUs.
	FlagShortTimers = 1 << iota
	// FlagPopulate makes every anonymous mapping present at once.
	FlagPopulate
	// FlagIsolated: the process of a hosted core has mounts of its own, so that
	// it can make the file tree its root.
	FlagIsolated
	// FlagMeasurePoll has a guest measure what a wake-up costs, and poll for that
	// long instead of PollCycles once it knows.
	FlagMeasurePoll
	// FlagDebugPages: pages that are handed over are mapped by their owner
	// alone.
	FlagDebugPages
	// FlagNoted: the interrupt stubs note where they interrupt the driver.
	FlagNoted
	// FlagShareAll: a hosted core may do anything with the whole shared region.
	// In a virtual machine nothing tells: the VMM maps what the core may see.
	FlagShareAll
	// FlagPark: the core is to be parked while it has nothing to do.
	FlagPark
	// FlagTemplate: the core is booted to be copied (power.Birth).
	FlagTemplate
	// FlagConfined: the VMM holds a hosted core to what a core may do, and this gives up
	// what only its start needs.
	FlagConfined
	// FlagCheckCaps: the monitor tests all that must hold of capabilities after each step.
	FlagCheckCaps
)

// The page must fit one page.
const _ = uint(4096 - unsafe.Sizeof(Page{}))
