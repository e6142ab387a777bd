// Package region defines the shared region: the memory in which cores and the
// VMM meet. It is page-granular; every page has one writer, or two where a pair of
// cores writes it in turns, but for shared memory (ram.go). Pages lie together by who writes and who sees them, so
// that what one core may see and write is a short list of spans (Seen):
//
//	header, clock, a page about each core,     written by the VMM, seen by all
//	core 0's standard input
//	per core   block, settled lives, scratch,  written by that core, seen by all
//	           broadcast, acknowledgements,
//	           decisions
//	per core   the VMM's side of its channel   written by the VMM, seen by that core
//	per core   log, crash record, map          written by that core, seen by the VMM
//	           snapshot, trace, its side of
//	           its channel to the VMM
//	           then per peer: sides of the     written by that core, seen by the peer
//	           channels, directory of and pool
//	           for those opened at run time,
//	           count of its calls
//	per pair   call lines, scratch, pages      written by both
//	           that are handed over
//	shared memory                              written by whoever has a capability
//
// docs/reference/memory-map.md draws it.
package region

import (
	"sync/atomic"

	"barreleye/devices/input"
	"barreleye/devices/logring"
)

// Magic marks the header ("BRLREGN1", little-endian); Version changes with
// every change of this package's layout.
const (
	Magic   = 0x314e4745524c5242
	Version = 15
)

// Header is page 0.
type Header struct {
	Magic, Version uint64
	Cores          uint64
	Size           uint64        // bytes of the whole region
	RingLines      uint64        // lines of every program ring
	Epoch          atomic.Uint64 // grows with every change of who lives
	PoolPages      uint64        // of each pool for channels opened at run time
	Latency        uint64        // 1: sample the latencies of channels
	RAMPages       uint64        // of shared memory

	MonitorTree uint64 // 1: monitors speak to their neighbours in a tree (VMMBlock.Above); 0: to all

	// View says who the members are (membership.Publish).
	View [ViewWords]atomic.Uint64
}

// States of a core, as it publishes them itself.
const (
	StateOff     = iota // not started
	StateBooting        // first system call seen
	StateRunning        // main package initialised
	StateExited         // exit code valid
	StateCrashed        // crash record valid
)

// Power states, owned by the core's monitor.
const (
	PowerPoll = 0 // running or polling
	PowerHalt = 1 // halted until an interrupt
	PowerPark = 2 // likewise, and the VMM may take it off its CPU until then
)

// Counters are written by the core's driver alone and read by anyone.
type Counters struct {
	Events                  [EventKinds]uint64 // events served, by kind
	Halts, Rings            uint64             // times halted, doorbells rung (VM exits)
	Flushes                 uint64             // TLB flushes at CPL0
	Invalidations           uint64             // pages whose TLB entries were dropped alone
	Signals, Preemptions    uint64             // signals delivered, SIGURG among them
	Switches                uint64             // thread hand-offs
	LogBlocks, LogBytes     uint64             // times a writer waited for log space, bytes logged
	Unserved                uint64             // system calls answered ENOSYS
	FramesUsed, FramesTotal uint64             // 4 KiB frames of private RAM
	FramesLimit             uint64             // up to which these may grow
	PollNS                  uint64             // for how long the idle loop polls, in guests
}

// Block is the first of a core's own pages. The core is its only writer.
type Block struct {
	// Asleep is the generation word of the wake-up protocol (urpc.Bell).
	Asleep uint64
	_      [56]byte
	// Progress grows with every event the driver serves.
	Progress uint64
	_        [56]byte

	State    atomic.Uint64
	ExitCode atomic.Uint64
	Power    atomic.Uint64
	NoTimer  atomic.Uint64 // 1: halted with nothing left to wait for but messages
	MainTSC  atomic.Uint64 // TSC when main's packages were initialised
	MapSeq   atomic.Uint64 // request number of the map snapshot below
	MapCount atomic.Uint64 // mappings in the snapshot
	Hellos   atomic.Uint64 // peers whose hello arrived

	Input input.Request // core 0: what it wants of its standard input

	Counters Counters

	// SettledView is the epoch of the latest view that the core has settled.
	SettledView atomic.Uint64

	// Collections and PauseNS say how often the program's collector ran and for how
	// long it stopped the program, at the last question of the VMM or, where that wants
	// it, the last collection.
	Collections atomic.Uint64
	PauseNS     atomic.Uint64

	// Until is when a core that is halted, with PowerPark, wakes by itself: ns of
	// CLOCK_MONOTONIC, 0 for never.
	Until atomic.Uint64
}

// Crash is the record a driver leaves of a fault that ends its core.
type Crash struct {
	Vector, Error, Address uint64 // exception, error code, CR2
	InDriver               uint64 // 1: the driver itself faulted
	RIP, RSP, RFLAGS       uint64
	// RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8..R15
	Regs [15]uint64
	// Threads is there from the core's first system call on.
	Threads Threads
}

// VMMBlock is the page about one core that the VMM writes.
type VMMBlock struct {
	LogTail logring.Tail
	_       [56]byte
	// Request counts requests; the core's monitor answers each.
	Request atomic.Uint64
	// Signal holds request numbers <<8 | signal for the program.
	Signal atomic.Uint64
	// Input answers the core's Block.Input.
	Input input.Answer
	// Trace holds the kinds that the core shall note (trace.Set). It looks when
	// it starts, and at each interrupt.
	Trace atomic.Uint64
	// Life says which life of the core is the last one that began, and whether
	// it is over (LifeWord).
	Life atomic.Uint64
	// Began and Buried are Header.Epoch as that life began, and as it was over (Met).
	Began, Buried atomic.Uint64
	// Above is the core above this one in the monitors' tree, plus 1; 0 for the root. It
	// changes no more once a core runs.
	Above uint64
}
