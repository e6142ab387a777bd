package region

import (
	"fmt"
	"slices"

	"barreleye/devices/layout"
)

// Area is a page's place in the region: what it is for, and whose it is.
type Area struct {
	What    string // as in "core 2's block"
	Writers []int  // the cores that write it; none: the VMM does
	Readers []int  // cores that only read it
	All     bool   // all cores read it
	Shared  bool   // any core writes it that has a capability to it
}

// String says what the page is and who writes it.
func (a Area) String() string {
	if a.Shared {
		return a.What + ", written by cores that have a capability to it"
	}
	switch len(a.Writers) {
	case 0:
		return a.What + ", written by the VMM"
	case 1:
		return fmt.Sprintf("%s, written by core %d", a.What, a.Writers[0])
	}
	return fmt.Sprintf("%s, written by cores %d and %d", a.What, a.Writers[0], a.Writers[1])
}

// part is some pages of one kind.
type part struct {
	what  string
	pages int
}

// within returns what the part is in which a page lies; the last one if no other.
func within(page int, parts ...part) string {
	for _, p := range parts {
		if page < p.pages {
			return p.what
		}
		page -= p.pages
	}
	return parts[len(parts)-1].what
}

// At tells what a page is for. Some in front of shared memory, and those behind it, are for
// nothing.
func (g Geometry) At(page int) (Area, bool) {
	switch {
	case g.isRAM(page):
		return Area{What: fmt.Sprintf("page %d of shared memory", page-g.ramPage()), Shared: true}, true
	case page < 0 || page >= g.end():
		return Area{}, false
	case page < g.publicPage(0):
		return g.vmmArea(page), true
	case page < g.vmmSidePage(0):
		core, page := divide(page-g.publicPage(0), g.publicPages())
		what := within(page, part{"block", 1}, part{"settled lives", g.settledPages()}, part{"scratch memory", 1},
			part{"broadcast", 1}, part{"acknowledgements", g.ackPages()}, part{"decisions", decisionPages})
		return Area{What: fmt.Sprintf("core %d's %s", core, what), Writers: []int{core}, All: true}, true
	case page < g.privatePage(0):
		core, _ := divide(page-g.vmmSidePage(0), SidePages(VMMLines))
		return Area{What: fmt.Sprintf("the VMM's channel to core %d", core), Readers: []int{core}}, true
	case page < g.privatePage(g.Cores):
		core, page := divide(page-g.privatePage(0), g.privatePages())
		return g.privateArea(core, page), true
	}
	a, b, page := g.pairAt(page)
	pair := Area{Writers: []int{a, b}}
	switch handed := g.pairPages() - g.PairPages(); {
	case page == 0:
		pair.What = fmt.Sprintf("the call lines of cores %d and %d", a, b)
	case page < handed:
		pair.What = fmt.Sprintf("the scratch memory of cores %d and %d", a, b)
	default:
		pair.What = fmt.Sprintf("page %d handed over between cores %d and %d", page-handed, a, b)
	}
	return pair, true
}

func divide(n, by int) (quotient, rest int) { return n / by, n % by }

// vmmArea is one of the first pages.
func (g Geometry) vmmArea(page int) Area {
	what := "core 0's input"
	switch {
	case page == pageHeader:
		what = "the region's header"
	case page == pageClock:
		what = "the clock"
	case page < g.inputPage():
		what = fmt.Sprintf("what the VMM says about core %d", page-pageVMM)
	}
	return Area{What: what, All: true}
}

// privateArea is a page that a core writes for the VMM or for one peer.
func (g Geometry) privateArea(core, page int) Area {
	report := reportPages + SidePages(VMMLines) + g.grantPages()
	if page < report {
		what := within(page, part{"log", headPages + logPages}, part{"crash record", crashPages},
			part{"map snapshot", mapPages}, part{"trace", namesPages + ringPages}, part{"channel to the VMM", SidePages(VMMLines)}, part{"grants", g.grantPages()})
		return Area{What: fmt.Sprintf("core %d's %s", core, what), Writers: []int{core}}
	}
	peer, page := divide(page-report, g.towardsPages())
	if peer >= core {
		peer++
	}
	what := within(page, part{"monitors' channel", SidePages(MonitorLines)}, part{"program channel", SidePages(g.RingLines)},
		part{"channel for pages", SidePages(PageLines)}, part{"directory of channels", g.directoryPages()},
		part{"pool for channels", g.PoolPages}, part{"call counts", 1})
	return Area{What: fmt.Sprintf("core %d's %s to core %d", core, what, peer), Writers: []int{core}, Readers: []int{peer}}
}

// Access returns what a core may do with the page.
func (a Area) Access(core int) Access {
	switch {
	case a.Shared || slices.Contains(a.Writers, core):
		return ReadWrite
	case a.All || slices.Contains(a.Readers, core):
		return Read
	}
	return None
}

// Find tells in words what lies at an offset of the region, in bytes, and what a core
// may do there.
func (g Geometry) Find(core int, offset uint64) (what string, may Access) {
	at := layout.RegionVA + offset
	if a, ok := g.At(int(offset / layout.PageSize)); ok {
		return fmt.Sprintf("%v, at %#x", a, at), a.Access(core)
	}
	if offset < g.Size() {
		return fmt.Sprintf("memory of the shared region that is for nothing, at %#x", at), None
	}
	return fmt.Sprintf("memory behind the end of the shared region, at %#x", at), None
}
