// Package region defines the shared region: the memory that all guests and
// the VMM see at once. It is page-granular and every page has one writer, so
// that pages can be mapped read-only for everybody else:
//
//	page 0            header                       written by the VMM
//	page 1            clock page                   written by the VMM
//	per core          block, crash record, map     written by that core
//	                  snapshot, log ring, trace
//	per core          VMM block                    written by the VMM
//	16 pages          core 0's standard input      written by the VMM
//	per ordered pair  side of the monitors' and    written by the pair's first core
//	                  of the programs' channel
//	per pair          call lines                   written by both cores of the pair
//	per core          its broadcast, its           written by that core
//	                  acknowledgements of others'
//	per ordered pair  side of the channel for      written by the pair's first core
//	                  pages handed over
//	per pair          pages that are handed over   written by their owner, one of the pair
//	per ordered pair  directory of and pool for    written by the pair's first core
//	                  the channels opened at run
//	                  time; of its call line
//
// docs/reference/memory-map.md draws it.
package region

import (
	"fmt"
	"sync/atomic"

	"barreleye/devices/boot"
	"barreleye/devices/clock"
	"barreleye/devices/input"
	"barreleye/devices/layout"
	"barreleye/devices/logring"
	"barreleye/urpc"
	"barreleye/urpc/trace"
)

// Magic marks the header ("BRLREGN1", little-endian); Version changes with
// every change of this package's layout.
const (
	Magic   = 0x314e4745524c5242
	Version = 6
)

// Header is page 0.
type Header struct {
	Magic, Version uint64
	Cores          uint64
	Size           uint64 // bytes of the whole region
	RingLines      uint64 // lines of every program ring
	Epoch          uint64
	PoolPages      uint64 // of each pool for channels opened at run time
	Latency        uint64 // 1: sample the latencies of channels
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
)

// Counters are written by the core's driver alone and read by anyone.
type Counters struct {
	Syscalls, Traps, Exceptions uint64 // patched calls, calls by the trap route, CPU exceptions
	Ticks, Doorbells            uint64 // interrupts taken
	Halts, Rings                uint64 // times halted, doorbells rung (VM exits)
	Flushes                     uint64 // TLB flushes at CPL0
	Signals, Preemptions        uint64 // signals delivered, SIGURG among them
	Switches                    uint64 // thread hand-offs
	LogBlocks, LogBytes         uint64 // times a writer waited for log space, bytes logged
	Unserved                    uint64 // system calls answered ENOSYS
	FramesUsed, FramesTotal     uint64 // 4 KiB frames of private RAM
	PollNS                      uint64 // for how long the idle loop polls, in guests
}

// Block is a core's own page. The core is its only writer.
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
}

// Crash is the record a driver leaves of a fault that ends its core.
type Crash struct {
	Vector, Error, Address uint64 // exception, error code, CR2
	InDriver               uint64 // 1: the driver itself faulted
	RIP, RSP, RFLAGS       uint64
	// RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8..R15
	Regs [15]uint64
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
	// Over says whether the core's life has ended (OverNot and so on).
	Over atomic.Uint64
	// Trace holds the kinds that the core shall note (trace.Set). It looks when
	// it starts, and at each interrupt.
	Trace atomic.Uint64
}

// What VMMBlock.Over says. The VMM stores OverBurying before it looks for what
// the dead core shared with others, and OverBuried when all of that is closed:
// who shares something and then finds OverNot knows that it will be found.
const (
	OverNot     = 0
	OverBurying = 1
	OverBuried  = 2
)

// Sizes of a core's area in pages.
const (
	blockPages = 1
	crashPages = 1
	mapPages   = 24
	headPages  = 1
	logPages   = logring.Size / layout.PageSize
	tracePages = namesPages + (trace.HeadSize+TraceRecords*trace.RecordSize)/layout.PageSize
	namesPages = 1
	corePages  = blockPages + crashPages + mapPages + headPages + logPages + tracePages
	vmmPages   = 1
	inputPages = input.Size / layout.PageSize
)

// TraceRecords is how many records a core's trace holds.
const TraceRecords = 1 << 15

// MapEntries is the capacity of the map snapshot.
const MapEntries = mapPages * layout.PageSize / 24

// MonitorLines and CallLines are the sizes of the monitors' rings and of the
// call area of a pair, in 64-byte lines; each fills one page.
const (
	MonitorLines = 64
	CallLines    = 64
)

// Geometry computes where everything lies for a given number of cores.
type Geometry struct {
	Cores     int
	RingLines int
	PoolPages int // of each pool for channels opened at run time
}

// DefaultGeometry is the geometry for a number of cores.
func DefaultGeometry(cores int) Geometry {
	return Geometry{Cores: cores, RingLines: DefaultRingLines(cores), PoolPages: DefaultPoolPages(cores)}
}

// DefaultRingLines is the length of the program rings: long rings let a stream
// run at the speed of the cache, many cores must share the region.
func DefaultRingLines(cores int) int {
	switch {
	case cores <= 8:
		return 4096
	case cores <= 32:
		return 512
	default:
		return 64
	}
}

const (
	pageHeader = 0
	pageClock  = 1
	pageCores  = 2
)

func (g Geometry) vmmPage(core int) int { return pageCores + g.Cores*corePages + core*vmmPages }

func (g Geometry) inputPage() int { return g.vmmPage(g.Cores) }

// pair area: the side of each kind of channel (urpc.Side)
func (g Geometry) pairPages() int {
	return (urpc.SideBytes(MonitorLines) + urpc.SideBytes(g.RingLines)) / layout.PageSize
}

func (g Geometry) pairPage(from, to int) int {
	return g.inputPage() + inputPages + (from*g.Cores+to)*g.pairPages()
}

func (g Geometry) callPage(a, b int) int {
	if a > b {
		a, b = b, a
	}
	return g.pairPage(g.Cores, 0) + a*g.Cores + b
}

// A core's broadcast area: its own broadcast, then a control block for that of
// every core.
func (g Geometry) broadcastPages() int {
	return 1 + (g.Cores*urpc.LineSize+layout.PageSize-1)/layout.PageSize
}

func (g Geometry) broadcastPage(core int) int {
	return g.callPage(g.Cores-1, g.Cores-1) + 1 + core*g.broadcastPages()
}

// Size returns the region's size in bytes, a multiple of 2 MiB.
func (g Geometry) Size() uint64 {
	pages := uint64(g.openedEnd())
	return (pages*layout.PageSize + layout.HugeSize - 1) &^ (layout.HugeSize - 1)
}

// Check reports a geometry that cannot be laid out.
func (g Geometry) Check() error {
	if g.Cores < 1 || g.Size() > layout.MaxRegion {
		return fmt.Errorf("shared region: %d cores with rings of %d lines and pools of %d KiB need %d MiB, at most %d MiB fit: use fewer cores or a smaller pool",
			g.Cores, g.RingLines, g.PoolPages*layout.PageSize>>10, g.Size()>>20, uint64(layout.MaxRegion)>>20)
	}
	return nil
}

// View gives typed access to a mapped region.
type View struct {
	Geometry
	base uintptr
}

// Header returns page 0.
func (v *View) Header() *Header { return at[Header](v, pageHeader) }

// Clock returns the clock page.
func (v *View) Clock() *clock.Page { return at[clock.Page](v, pageClock) }

// Block returns a core's own page.
func (v *View) Block(core int) *Block { return at[Block](v, pageCores+core*corePages) }

// Crash returns a core's crash record.
func (v *View) Crash(core int) *Crash {
	return at[Crash](v, pageCores+core*corePages+blockPages)
}

// Maps returns a core's map snapshot, of which Block.MapCount entries count.
func (v *View) Maps(core int) *[MapEntries]boot.Mapping {
	return at[[MapEntries]boot.Mapping](v, pageCores+core*corePages+blockPages+crashPages)
}

// VMM returns the page about a core that the VMM writes.
func (v *View) VMM(core int) *VMMBlock { return at[VMMBlock](v, v.vmmPage(core)) }

// Log returns a core's log ring.
func (v *View) Log(core int) logring.Ring {
	p := pageCores + core*corePages + blockPages + crashPages + mapPages
	return logring.Ring{
		Head: at[logring.Head](v, p),
		Tail: &v.VMM(core).LogTail,
		Data: at[[logring.Size]byte](v, p+headPages),
	}
}

// Names returns the names that a core's program has for its own records.
func (v *View) Names(core int) *trace.Names { return at[trace.Names](v, v.tracePage(core)) }

// Trace returns a core's trace.
func (v *View) Trace(core int) trace.Ring {
	return trace.RingAt(v.addr(v.tracePage(core)+namesPages), TraceRecords)
}

// tracePage is where what a core notes begins: names, then the ring.
func (v *View) tracePage(core int) int { return pageCores + (core+1)*corePages - tracePages }

// Input returns core 0's standard input.
func (v *View) Input() input.Buffer {
	return input.Buffer{
		Request: &v.Block(0).Input, Answer: &v.VMM(0).Input,
		Data: at[[input.Size]byte](v, v.inputPage()),
	}
}

// Channel kinds of a pair.
const (
	ChannelMonitor = 0 // between the monitors
	ChannelProgram = 1 // between the programs
	ChannelPages   = 2 // for pages that are handed over
)

// Channels lists the kinds of channel that every pair has from boot on.
var Channels = []int{ChannelMonitor, ChannelProgram, ChannelPages}

// Lines returns the number of lines of a channel's ring.
func (v *View) Lines(kind int) int {
	switch kind {
	case ChannelMonitor:
		return MonitorLines
	case ChannelPages:
		return PageLines
	}
	return v.RingLines
}

// Side returns the address of all that core from writes for its channel with
// core to, laid out as urpc.Side.
func (v *View) Side(kind, from, to int) uintptr {
	switch kind {
	case ChannelPages:
		return v.addr(v.pageSide(from, to))
	case ChannelProgram:
		return v.addr(v.pairPage(from, to)) + uintptr(urpc.SideBytes(MonitorLines))
	}
	return v.addr(v.pairPage(from, to))
}

// CallArea returns the address of the call lines of a pair, which both of its
// cores write. The lines of the first half are called by the lower-numbered
// core, those of the second half by the other.
func (v *View) CallArea(a, b int) uintptr { return v.addr(v.callPage(a, b)) }

// BroadcastArea returns the address of the page of a core's broadcast.
func (v *View) BroadcastArea(writer int) uintptr { return v.addr(v.broadcastPage(writer)) }

// AckArea returns the address of the control block by which a core acknowledges
// the broadcast of another.
func (v *View) AckArea(member, writer int) uintptr {
	return v.addr(v.broadcastPage(member)+1) + uintptr(writer*urpc.LineSize)
}

func (v *View) addr(page int) uintptr { return v.base + uintptr(page)*layout.PageSize }
