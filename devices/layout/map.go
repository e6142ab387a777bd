// Package layout is the one map of a guest's memory, shared by the VMM that
// builds it and by the CPU driver that lives in it. It holds numbers only: no
// policy, no code of either side. docs/reference/memory-map.md draws it.
//
// A guest has three kinds of physical memory: its private RAM, what all guests
// share read-only (the image text, the files), and the shared region that
// carries messages. Everything the driver owns lies below 2 GiB of virtual address
// space, so that image text reaches it by 32-bit displacements.
package layout

// Page sizes of x86-64 in bytes (Intel SDM vol. 3, 4.5).
const (
	PageSize = 4 << 10
	HugeSize = 2 << 20
)

// Guest-physical addresses. RAM starts at 4 GiB, above every hole and device
// of the PC's first 4 GiB, so its size has no holes to respect.
const (
	ImageGPA    = 0x1000_0000    // patched text, read-only data and stubs; shared by all guests
	DoorbellGPA = 0xE000_0000    // one 8-byte register per core, ioeventfd
	PowerGPA    = 0xE000_1000    // power device's register
	GrowthGPA   = PowerGPA + 8   // memory device's register (devices/growth)
	APICGPA     = 0xFEE0_0000    // local APIC
	TSSAddrGPA  = 0xFFFB_D000    // three pages KVM wants for itself on VMX
	RAMGPA      = 0x1_0000_0000  // private RAM
	RegionGPA   = 0x40_0000_0000 // shared region
	FilesGPA    = 0x50_0000_0000 // file tree (devices/filetree), shared by all guests
	MaxRAM      = 64 << 30       // keeps RAM, with what its growth takes, and region apart
	MaxRegion   = 32 << 30       // keeps the region below 2^40, the smallest MAXPHYADDR we meet
	MaxFiles    = 1 << 30        // of the file tree
	MinRAM      = 16 << 20       // less cannot hold the runtime's first heap arena
)

// Virtual addresses. The image is linked at ImageVA by the Go linker.
const (
	ImageVA     = 0x0040_0000 // ELF segments: text RX, read-only data R, data RW
	ImageEnd    = 0x4000_0000 // an image reaches up to here at most
	StubVA      = 0x4000_0000 // system-call stubs made by the patcher, RX
	StubMax     = 1 << 20     // bytes
	BootVA      = 0x5000_0000 // boot information, one page, R
	EntropyVA   = 0x5000_2000 // entropy seed, one page, RW
	TrapVA      = 0x5001_0000 // CPL0 stacks: see TrapStackTop, IRQStackTop
	DriverVA    = 0x5001_4000 // driver stack; a guard page lies below it
	DriverSize  = 96 << 10
	PanicVA     = 0x5003_0000 // stack on which a fault of the driver itself is reported
	PanicSize   = 16 << 10
	ProcessVA   = 0x5100_0000 // first thread's stack, argv, env, auxv; guard page below
	ProcessSize = 256 << 10
	DoorbellVA  = 0x5200_0000      // DoorbellGPA, RW, uncached
	PowerVA     = 0x5200_1000      // PowerGPA, RW, uncached
	GrowthVA    = PowerVA + 8      // GrowthGPA
	TablesVA    = 0x6000_0000      // GDT, IDT, TSS: supervisor pages
	DebugVA     = 0x6000_4000      // two supervisor pages for a debugger: see DebugStackTop
	APICVA      = 0x6001_0000      // APICGPA, supervisor, uncached
	FramesVA    = 0x7000_0000      // frame bitmaps, RW
	MmapVA      = 0x20_0000_0000   // where mmap without a usable hint starts to look
	RegionVA    = 0x10_0000_0000   // shared region, same in every guest
	FilesVA     = 0x18_0000_0000   // FilesGPA, R, same in every guest
	PageTableVA = 0x7E00_0000_0000 // window on the page-table pool, alone in its 512 GiB slot
	MmapEnd     = 0x7D00_0000_0000 // mmap never hands out addresses at or above this
	FrameVA     = 0x7D00_0000_0000 // frames that are mapped by capabilities (guest/monitor/vspace)
	FrameEnd    = 0x7D80_0000_0000 // alone in its 512 GiB slot
	VNodeVA     = 0x7E40_0000_0000 // window on the page tables that these are mapped by
)

// CPL0 stacks. They lie in one range with the driver's stack, so that one
// comparison of RSP tells "inside the driver" from "inside the program".
const (
	TrapStackTop = TrapVA + 1*PageSize // IST1: exceptions
	IRQStackTop  = TrapVA + 2*PageSize // RSP0: timer and doorbell
	DriverLow    = TrapVA              // lowest RSP that counts as inside the driver
	DriverHigh   = DriverVA + DriverSize
)

// DebugStackTop is the end of IST2, the stack on which a debugger's own handlers are
// entered (vmm/machine). Their text is the page below it.
const DebugStackTop = DebugVA + 2*PageSize

// Segment selectors. CPL3 uses 0x33/0x2b because PVM runs CPL3 natively under
// the host's own user segments, and IRETQ at CPL3 must name those.
const (
	KernelCS = 0x10
	KernelSS = 0x18
	UserCS32 = 0x23
	UserSS   = 0x2b
	UserCS   = 0x33
	TaskSel  = 0x40
)

// Interrupt vectors.
const (
	VectorTick     = 0x40
	VectorDoorbell = 0x41
	VectorSpurious = 0xFF
)

// The local APIC timer counts nanoseconds of KVM's 1 GHz APIC bus divided by
// TimerDivide, so that 32 bits reach 68 seconds.
const TimerDivide = 16
