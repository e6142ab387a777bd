package region

import (
	"iter"
	"math/bits"
	"sync/atomic"

	"barreleye/devices/layout"
	"barreleye/urpc"
)

// Channels that programs open while they run (guest.Dial). Each side is a run of
// pages that its core takes out of a pool of its own towards that peer, and says
// so in a directory, by which the VMM finds the channels of a dead core. Both are
// written by that core alone:
//
//	directory  0    Totals
//	           64   entries, 32 bytes each: a state word, the pages, two spare
//	pool            sides (urpc.Side)

// Profiles of a channel: how its ring is read.
const (
	ProfileLatency = 0 // urpc.Conn: a header in each line
	ProfileBulk    = 1 // urpc.Bulk: whole lines, an index per batch
)

// States of a directory's entry.
const (
	entryFree    = 0
	entryDialing = 1 // the peer has not told where its side lies
	entryOpen    = 2
)

// Entry is one channel as one of its cores has it in its directory.
type Entry struct {
	Open             bool // false: the peer's side is not known yet
	Profile          int
	Epoch            uint8 // of the channel's ends (urpc.Link)
	Lines, PeerLines int   // of the ring that this core writes, and of the other
	Page, PeerPage   int   // where the sides begin in their cores' pools
}

// Totals count what went over channels that are closed again.
type Totals struct {
	Sent, Received atomic.Uint64
	_              [6]uint64
}

// entryWords is an entry in memory: 0 state, 1 pages. State, from bit 0: state 8,
// profile 8, epoch 8, log2 of the lines 8, log2 of the peer's 8. Pages: this
// core's in the low half, the peer's in the high one.
type entryWords [4]atomic.Uint64

const (
	entrySize     = 32
	entriesOffset = 64
)

// DefaultPoolPages is the size of the pool that each core has for its sides of
// channels with each other core, in pages of 4 KiB. Untouched pages cost nothing
// but address space; KVM keeps 8 bytes for each in every guest.
func DefaultPoolPages(cores int) int {
	switch {
	case cores <= 8:
		return 4096
	case cores <= 16:
		return 1024
	case cores <= 32:
		return 512
	default:
		return 64
	}
}

// SidePages is how many pages a side with a ring of that many lines takes.
func SidePages(lines int) int { return urpc.SideBytes(lines) / layout.PageSize }

// Entries is how many channels a core can have open to one other core.
func (g Geometry) Entries() int { return g.PoolPages / SidePages(urpc.MinLines) }

func (g Geometry) directoryPages() int {
	return pagesOf(entriesOffset + g.Entries()*entrySize)
}

// Fits reports whether a side of that many lines can begin at a page of a pool.
func (g Geometry) Fits(page, lines int) bool {
	return lines >= urpc.MinLines && lines <= urpc.MaxLines && lines&(lines-1) == 0 &&
		page >= 0 && page <= g.PoolPages-SidePages(lines)
}

// valid reports whether both sides lie in their pools.
func (g Geometry) valid(e Entry) bool {
	return (e.Profile == ProfileLatency || e.Profile == ProfileBulk) &&
		g.Fits(e.Page, e.Lines) && (!e.Open || g.Fits(e.PeerPage, e.PeerLines))
}

// Totals returns the counts of the closed channels that core from had with core to.
func (v *View) Totals(from, to int) *Totals { return at[Totals](v, v.directoryPage(from, to)) }

// PoolSide returns the side of that many lines that begins at a page of the pool
// that core from has towards core to. Fits must say so, or it fails.
func (v *View) PoolSide(from, to, page, lines int) (urpc.Side, error) {
	mem, err := v.PoolMemory(from, to, page, lines)
	if err != nil {
		return urpc.Side{}, err
	}
	return urpc.SideOf(mem, lines)
}

// PoolMemory returns the memory of that side.
func (v *View) PoolMemory(from, to, page, lines int) ([]byte, error) {
	if !v.Fits(page, lines) {
		return nil, urpc.ErrLayout
	}
	return v.PoolBytes(from, to)[page*layout.PageSize:][:urpc.SideBytes(lines)], nil
}

// SetEntry writes entry i of the directory of core from towards core to, which
// core from alone does. Whoever reads it at the same time finds the old entry, none,
// or the new one.
func (v *View) SetEntry(from, to, i int, e Entry) {
	w := v.entry(from, to, i)
	w[0].Store(0)
	w[1].Store(uint64(uint32(e.Page)) | uint64(uint32(e.PeerPage))<<32)
	state := uint64(entryDialing)
	if e.Open {
		state = entryOpen
	}
	w[0].Store(state | uint64(uint8(e.Profile))<<8 | uint64(e.Epoch)<<16 |
		uint64(log2(e.Lines))<<24 | uint64(log2(e.PeerLines))<<32)
}

// ClearEntry frees entry i.
func (v *View) ClearEntry(from, to, i int) { v.entry(from, to, i)[0].Store(0) }

// Opened goes through the channels that core from has open with core to, by
// index. Core from may be hostile, or change its directory meanwhile: entries that
// name what is not in the pools are left out.
func (v *View) Opened(from, to int) iter.Seq2[int, Entry] {
	return func(yield func(int, Entry) bool) {
		if from == to {
			return
		}
		for i := range v.Entries() {
			if e, ok := v.readEntry(from, to, i); ok && !yield(i, e) {
				return
			}
		}
	}
}

// readEntry returns entry i of a directory, if it is one.
func (v *View) readEntry(from, to, i int) (e Entry, ok bool) {
	w := v.entry(from, to, i)
	state := w[0].Load()
	if state == entryFree {
		return e, false
	}
	pages := w[1].Load()
	if w[0].Load() != state {
		return e, false // it changes: what it becomes was told after the reader came
	}
	e = Entry{
		Open: uint8(state) == entryOpen, Profile: int(uint8(state >> 8)), Epoch: uint8(state >> 16),
		Lines: power2(uint8(state >> 24)), PeerLines: power2(uint8(state >> 32)),
		Page: int(uint32(pages)), PeerPage: int(pages >> 32),
	}
	return e, (e.Open || uint8(state) == entryDialing) && v.valid(e)
}

// EntrySides returns both sides of a channel that Opened told of. Where the
// peer's is not known it is empty.
func (v *View) EntrySides(from, to int, e Entry) (own, peer urpc.Side, err error) {
	if own, err = v.PoolSide(from, to, e.Page, e.Lines); err == nil && e.Open {
		peer, err = v.PoolSide(to, from, e.PeerPage, e.PeerLines)
	}
	return own, peer, err
}

func log2(n int) int { return bits.Len(uint(n)) - 1 }

// power2 is 2 to the given power, 0 where no ring is so long.
func power2(n uint8) int {
	if n > 30 {
		return 0
	}
	return 1 << n
}
