package region

import "iter"

// Access is what a core may do with a page.
type Access int

const (
	None Access = iota
	Read
	ReadWrite
)

// String returns a word for it.
func (a Access) String() string { return [...]string{"none", "read", "write"}[a] }

// Span is a run of pages with which a core may do the same.
type Span struct {
	First, Pages int
	Access       Access // Read or ReadWrite
}

// End is the first page behind it.
func (s Span) End() int { return s.First + s.Pages }

// Seen yields what a core sees, in ascending order and in as few spans as can be:
// about 2 for each other core, and 6, the last one shared memory. It may do nothing with all other pages.
func (g Geometry) Seen(core int) iter.Seq[Span] {
	return func(yield func(Span) bool) {
		var last Span
		for s := range g.seen(core) {
			switch {
			case s.Pages == 0:
			case s.First == last.End() && s.Access == last.Access:
				last.Pages += s.Pages
			default:
				if last.Pages > 0 && !yield(last) {
					return
				}
				last = s
			}
		}
		yield(last)
	}
}

// seen yields the same in spans that may be empty or adjoin.
func (g Geometry) seen(core int) iter.Seq[Span] {
	return func(yield func(Span) bool) {
		to := func(first, end int, a Access) bool { return yield(Span{first, end - first, a}) }
		alone := g.Alone(core)
		public, private := alone[0], alone[1]
		if !to(0, public.First, Read) || !yield(public) || !to(public.End(), g.publicPage(g.Cores), Read) ||
			!to(g.vmmSidePage(core), g.vmmSidePage(core+1), Read) {
			return
		}
		for from := range g.Cores {
			if from == core {
				if !yield(private) {
					return
				}
				continue
			}
			first := g.towardsPage(from, core)
			if !to(first, first+g.towardsPages(), Read) {
				return
			}
		}
		for peer := range g.Cores {
			if peer == core {
				continue
			}
			first := g.pairPage(core, peer)
			if !to(first, first+g.pairPages(), ReadWrite) {
				return
			}
		}
		yield(g.RAMSpan())
	}
}

// Alone returns the two runs of pages that a core writes and no other one: what all
// see, and what the VMM or one peer sees.
func (g Geometry) Alone(core int) [2]Span {
	return [2]Span{
		{g.publicPage(core), g.publicPages(), ReadWrite},
		{g.privatePage(core), g.privatePages(), ReadWrite},
	}
}

// Pair returns the run of pages around a page that a core writes together with another
// one, where the page is one of those.
func (g Geometry) Pair(page, core int) (run Span, ok bool) {
	if page < g.privatePage(g.Cores) || page >= g.end() {
		return run, false
	}
	a, b, at := g.pairAt(page)
	return Span{page - at, g.pairPages(), ReadWrite}, core == a || core == b
}
