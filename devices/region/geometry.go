package region

import (
	"fmt"

	"barreleye/devices/input"
	"barreleye/devices/layout"
	"barreleye/devices/logring"
	"barreleye/urpc"
	"barreleye/urpc/trace"
)

// Geometry computes where everything lies for a given number of cores.
type Geometry struct {
	Cores     int
	RingLines int
	PoolPages int // of each pool for channels opened at run time
	RAMPages  int // of shared memory (ram.go), a multiple of 512
}

// DefaultGeometry is the geometry for a number of cores, with DefaultRAM of shared
// memory.
func DefaultGeometry(cores int) Geometry {
	return Geometry{
		Cores: cores, RingLines: DefaultRingLines(cores), PoolPages: DefaultPoolPages(cores),
		RAMPages: DefaultRAM / layout.PageSize,
	}
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

// Lines of the rings and areas whose size does not depend on the number of cores.
const (
	MonitorLines = 64 // of the monitors' rings
	VMMLines     = 64 // of the rings between a core and the VMM
	CallLines    = 64 // of the call area of a pair, which fills one page
	ScratchLines = 128
)

// TraceRecords is how many records a core's trace holds.
const TraceRecords = 1 << 15

// Sizes in pages.
const (
	inputPages = input.Size / layout.PageSize
	crashPages = 1
	mapPages   = 24
	headPages  = 1
	logPages   = logring.Size / layout.PageSize
	namesPages = 1
	ringPages  = (trace.HeadSize + TraceRecords*trace.RecordSize) / layout.PageSize
	// what a core writes for the VMM alone, but its side of their channel and grants
	reportPages      = headPages + logPages + crashPages + mapPages + namesPages + ringPages
	scratchLinePages = ScratchLines * urpc.LineSize / layout.PageSize
	decisionPages    = Decisions * DecisionWords * 8 / layout.PageSize
)

// What a core's monitor has decided (guest/monitor/agreement): so many places of so many
// words.
const (
	Decisions     = 16
	DecisionWords = 64
)

// ViewWords is how many words say who the members are (guest/monitor/membership).
const ViewWords = 40

// MapEntries is the capacity of the map snapshot.
const MapEntries = mapPages * layout.PageSize / 24

// The first pages; one about each core follows.
const (
	pageHeader = 0
	pageClock  = 1
	pageVMM    = 2
)

func pagesOf(bytes int) int { return (bytes + layout.PageSize - 1) / layout.PageSize }

func (g Geometry) vmmPage(core int) int { return pageVMM + core }

func (g Geometry) inputPage() int { return g.vmmPage(g.Cores) }

// Written by a core, seen by all: block, settled lives, scratch, broadcast, a
// control block for the broadcast of every core, and decisions.
func (g Geometry) publicPages() int { return 3 + g.settledPages() + g.ackPages() + decisionPages }

func (g Geometry) settledPages() int { return pagesOf(8 * g.Cores) }

func (g Geometry) ackPages() int { return pagesOf(urpc.LineSize * g.Cores) }

func (g Geometry) publicPage(core int) int {
	return g.inputPage() + inputPages + core*g.publicPages()
}

func (g Geometry) settledPage(core int) int { return g.publicPage(core) + 1 }

func (g Geometry) ownScratchPage(core int) int { return g.settledPage(core) + g.settledPages() }

func (g Geometry) broadcastPage(core int) int { return g.ownScratchPage(core) + 1 }

func (g Geometry) ackPage(core int) int { return g.broadcastPage(core) + 1 }

func (g Geometry) decisionPage(core int) int { return g.ackPage(core) + g.ackPages() }

// vmmSidePage is where the VMM's side of its channel with a core begins.
func (g Geometry) vmmSidePage(core int) int {
	return g.publicPage(g.Cores) + core*SidePages(VMMLines)
}

// Written by a core, seen by the VMM or by one peer.
func (g Geometry) privatePages() int {
	return reportPages + SidePages(VMMLines) + g.grantPages() + (g.Cores-1)*g.towardsPages()
}

// privatePage is where they begin: with the log.
func (g Geometry) privatePage(core int) int {
	return g.vmmSidePage(g.Cores) + core*g.privatePages()
}

func (g Geometry) crashPage(core int) int { return g.privatePage(core) + headPages + logPages }

func (g Geometry) mapsPage(core int) int { return g.crashPage(core) + crashPages }

// tracePage is where what a core notes begins: names, then the ring.
func (g Geometry) tracePage(core int) int { return g.mapsPage(core) + mapPages }

func (g Geometry) coreSidePage(core int) int { return g.tracePage(core) + namesPages + ringPages }

// grantPage is where its grants begin: a bit per page, third core and peer.
func (g Geometry) grantPage(core int) int { return g.coreSidePage(core) + SidePages(VMMLines) }

func (g Geometry) grantPages() int { return pagesOf(g.Cores * g.Cores * g.PairPages() / 8) }

// What a core writes towards one peer.
func (g Geometry) towardsPages() int {
	return SidePages(MonitorLines) + SidePages(g.RingLines) + SidePages(PageLines) + g.directoryPages() + g.PoolPages + 1
}

// towardsPage is where it begins: with the side of the monitors' channel, then
// those of the programs' and of that for pages. No core has channels with itself.
func (g Geometry) towardsPage(from, to int) int {
	if to > from {
		to--
	}
	return g.grantPage(from) + g.grantPages() + to*g.towardsPages()
}

func (g Geometry) programPage(from, to int) int {
	return g.towardsPage(from, to) + SidePages(MonitorLines)
}

func (g Geometry) handoverPage(from, to int) int {
	return g.programPage(from, to) + SidePages(g.RingLines)
}

func (g Geometry) directoryPage(from, to int) int {
	return g.handoverPage(from, to) + SidePages(PageLines)
}

func (g Geometry) poolPage(from, to int) int {
	return g.directoryPage(from, to) + g.directoryPages()
}

func (g Geometry) callStatsPage(from, to int) int { return g.poolPage(from, to) + g.PoolPages }

// What both cores of a pair write: call lines, scratch lines, a scratch ring, and
// the pool of pages that they hand over.
func (g Geometry) pairPages() int {
	return 1 + scratchLinePages + g.scratchRingPages() + g.PairPages()
}

func (g Geometry) scratchRingPages() int { return pagesOf(g.RingLines * urpc.LineSize) }

// pairPage is where it begins, for cores in any order; of a core and itself there
// is none.
func (g Geometry) pairPage(a, b int) int {
	a, b = min(a, b), max(a, b)
	before := a*(2*g.Cores-a-1)/2 + b - a - 1 // pairs
	return g.privatePage(g.Cores) + before*g.pairPages()
}

func (g Geometry) scratchPage(a, b int) int { return g.pairPage(a, b) + 1 }

func (g Geometry) pairPool(a, b int) int {
	return g.scratchPage(a, b) + scratchLinePages + g.scratchRingPages()
}

// end is the first page behind what pairs write: the pair of the last core with itself,
// which there is not, would begin there. Shared memory follows (ramPage).
func (g Geometry) end() int { return g.pairPage(g.Cores-1, g.Cores) }

// Size returns the region's size in bytes, a multiple of 2 MiB.
func (g Geometry) Size() uint64 {
	offset, size := g.RAM()
	return offset + size
}

// Check reports a geometry that cannot be laid out.
func (g Geometry) Check() error {
	if g.RAMPages < 0 || g.RAMPages%hugePages != 0 {
		return fmt.Errorf("shared region: %d pages of shared memory: use a multiple of 2 MiB", g.RAMPages)
	}
	if g.Cores < 1 || g.Size() > layout.MaxRegion {
		_, ram := g.RAM()
		return fmt.Errorf("shared region: %d cores with rings of %d lines and pools of %d KiB, and %d MiB of shared memory, need %d MiB, at most %d MiB fit: use fewer cores, or less --shared-memory",
			g.Cores, g.RingLines, g.PoolPages*layout.PageSize>>10, ram>>20, g.Size()>>20, uint64(layout.MaxRegion)>>20)
	}
	return nil
}
