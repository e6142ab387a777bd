package region

import (
	"barreleye/devices/boot"
	"barreleye/devices/clock"
	"barreleye/devices/input"
	"barreleye/devices/layout"
	"barreleye/devices/logring"
	"barreleye/urpc"
	"barreleye/urpc/trace"
)

// View gives typed access to a mapped region.
type View struct {
	Geometry
	base uintptr
}

// Header returns page 0.
func (v *View) Header() *Header { return at[Header](v, pageHeader) }

// Clock returns the clock page.
func (v *View) Clock() *clock.Page { return at[clock.Page](v, pageClock) }

// Block returns a core's block.
func (v *View) Block(core int) *Block { return at[Block](v, v.publicPage(core)) }

// Decisions returns what a core's monitor has decided. The core alone writes it; once it
// is fenced nothing of it changes.
func (v *View) Decisions(core int) *[Decisions][DecisionWords]uint64 {
	return at[[Decisions][DecisionWords]uint64](v, v.decisionPage(core))
}

// Crash returns a core's crash record.
func (v *View) Crash(core int) *Crash { return at[Crash](v, v.crashPage(core)) }

// Maps returns a core's map snapshot, of which Block.MapCount entries count.
func (v *View) Maps(core int) *[MapEntries]boot.Mapping {
	return at[[MapEntries]boot.Mapping](v, v.mapsPage(core))
}

// VMM returns the page about a core that the VMM writes.
func (v *View) VMM(core int) *VMMBlock { return at[VMMBlock](v, v.vmmPage(core)) }

// Names returns the names that a core's program has for its own records.
func (v *View) Names(core int) *trace.Names { return at[trace.Names](v, v.tracePage(core)) }

// Trace returns a core's trace.
func (v *View) Trace(core int) trace.Ring {
	return trace.RingAt(v.addr(v.tracePage(core)+namesPages), TraceRecords)
}

// Log returns a core's log ring.
func (v *View) Log(core int) logring.Ring {
	p := v.privatePage(core)
	return logring.Ring{
		Head: at[logring.Head](v, p),
		Tail: &v.VMM(core).LogTail,
		Data: at[[logring.Size]byte](v, p+headPages),
	}
}

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
// core to, another one, laid out as urpc.Side.
func (v *View) Side(kind, from, to int) uintptr {
	switch kind {
	case ChannelPages:
		return v.addr(v.handoverPage(from, to))
	case ChannelProgram:
		return v.addr(v.programPage(from, to))
	}
	return v.addr(v.towardsPage(from, to))
}

// CallArea returns the address of the call lines of a pair, which both of its
// cores write. The lines of the first half are called by the lower-numbered
// core, those of the second half by the other.
func (v *View) CallArea(a, b int) uintptr { return v.addr(v.pairPage(a, b)) }

// BroadcastArea returns the address of the page of a core's broadcast.
func (v *View) BroadcastArea(writer int) uintptr { return v.addr(v.broadcastPage(writer)) }

// AckArea returns the address of the control block by which a core acknowledges
// the broadcast of another.
func (v *View) AckArea(member, writer int) uintptr {
	return v.addr(v.ackPage(member)) + uintptr(writer*urpc.LineSize)
}

// CallStatsArea returns the address of the page that core client writes about
// its calls on the line to core server.
func (v *View) CallStatsArea(client, server int) uintptr {
	return v.addr(v.callStatsPage(client, server))
}

// Scratch returns memory that belongs to no channel, for measurements: the two
// cores of a pair write it, ScratchLines lines and a ring of RingLines behind them.
// Where a is b it is half as many lines, without a ring, that core a writes and all
// see.
func (v *View) Scratch(a, b int) []byte {
	if a == b {
		return bytesAt(v, v.ownScratchPage(a), 1)
	}
	return bytesAt(v, v.scratchPage(a, b), scratchLinePages+v.scratchRingPages())
}

func (v *View) addr(page int) uintptr { return v.base + uintptr(page)*layout.PageSize }
