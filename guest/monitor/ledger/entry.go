package ledger

import (
	"fmt"
	"slices"

	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/cores"
)

// ID names an entry. None is ever used twice: it is made of the core that made the entry,
// of that core's life, and of a number that counts in it. The zero ID names none.
type ID uint64

// Bits of an ID, from above: core, life, number.
const (
	lifeBits   = 16
	numberBits = 38
	maxLife    = 1<<lifeBits - 1
	maxNumber  = 1<<numberBits - 1
)

const _ = uint(64 - lifeBits - numberBits - 10) // cores.Max is 1 << 10
const _ = uint(1<<10 - cores.Max)

func newID(core int, life, number uint64) ID {
	return ID(uint64(core)<<(lifeBits+numberBits) | life<<numberBits | number)
}

// maker returns the core and the life in which an ID was made.
func (id ID) maker() (core int, life uint64) {
	return int(id >> (lifeBits + numberBits)), uint64(id) >> numberBits & maxLife
}

func (id ID) String() string {
	core, life := id.maker()
	return fmt.Sprintf("%d.%d.%d", core, life, uint64(id)&maxNumber)
}

// nobody is no core.
const nobody = -1

// entry is some memory that cores hold. The area itself is one that nobody holds.
type entry struct {
	id       ID
	extent   caps.Extent
	parent   *entry
	children []*entry   // sorted by base; no two overlap
	holders  []Holding  // by core; at least one, but for the area
	few      [2]Holding // room for those of most entries
	chosen   int        // the owner while it holds the entry; nobody: the lowest holder is
}

// mostSpare is how many entries that are no more are kept to be used again.
const mostSpare = 64

// entry makes one, which is not in its place yet.
func (l *Ledger) entry(id ID, x caps.Extent, parent *entry, chosen int) (e *entry) {
	if last := len(l.spare) - 1; last >= 0 {
		e, l.spare = l.spare[last], l.spare[:last]
	} else {
		e = new(entry)
	}
	*e = entry{id: id, extent: x, parent: parent, chosen: chosen, children: e.children[:0]}
	e.holders = e.few[:0]
	return e
}

// forget takes an entry out, in whose place is what was cut from it.
func (l *Ledger) forget(e *entry) {
	delete(l.entries, e.id)
	l.near = nil
	if clear(e.children); len(l.spare) < mostSpare {
		l.spare = append(l.spare, e)
	}
}

// holder returns the place of a core among the holders, and whether it is one.
func (e *entry) holder(core int) (at int, ok bool) {
	for at < len(e.holders) && e.holders[at].Core < core {
		at++
	}
	return at, at < len(e.holders) && e.holders[at].Core == core
}

// rights returns what a core may do at most, and whether it holds the entry.
func (e *entry) rights(core int) (r caps.Rights, ok bool) {
	at, ok := e.holder(core)
	if ok {
		r = e.holders[at].Rights
	}
	return r, ok
}

// hold lets a core hold the entry, with more rights where it does already.
func (e *entry) hold(core int, r caps.Rights) {
	at, ok := e.holder(core)
	if !ok {
		e.holders = slices.Insert(e.holders, at, Holding{Core: core})
	}
	e.holders[at].Rights |= r
}

// owner returns the core that answers for the entry.
func (e *entry) owner() int {
	if e.chosen != nobody {
		return e.chosen
	}
	if len(e.holders) == 0 {
		return nobody
	}
	return e.holders[0].Core
}

// search returns the place of the first child that ends behind base.
func (e *entry) search(base uint64) int {
	first, end := 0, len(e.children)
	for first < end {
		if c := e.children[(first+end)/2]; c.extent.Base+c.extent.Size <= base {
			first = (first+end)/2 + 1
		} else {
			end = (first + end) / 2
		}
	}
	return first
}

// blocks reports whether the child at a place has some of the extent.
func (e *entry) blocks(at int, x caps.Extent) bool {
	return at < len(e.children) && e.children[at].extent.Overlaps(x)
}

// overlapping returns the children that have some of the extent.
func (e *entry) overlapping(x caps.Extent) []*entry {
	first := e.search(x.Base)
	end := first
	for e.blocks(end, x) {
		end++
	}
	return e.children[first:end]
}

// below reports whether e was cut from p, directly or not, or is p.
func (e *entry) below(p *entry) bool {
	for ; e != nil; e = e.parent {
		if e == p {
			return true
		}
	}
	return false
}

// Entry is what is known of an entry.
type Entry struct {
	ID     ID
	Extent caps.Extent
	Parent ID // 0: it was cut from the area
	Owner  int
	// Holders are the cores that hold it, in order, with the most that each may do.
	Holders []Holding
}

// Holding is what one core may do.
type Holding struct {
	Core   int
	Rights caps.Rights
}
