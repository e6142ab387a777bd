// Package shares divides a core's time: among runnable shares of the highest
// priority, in proportion to their weights. It is stride scheduling, charged with
// the time that was used: each share has a pass, which grows by the time it ran over its
// weight, and who has the lowest is next.
//
// Share 0 is special: the runtime's own threads (the collector's workers, the
// monitor thread, goroutines of no domain), without which nothing goes on. It
// competes with whatever priority runs. A thread of another share may wait for it in
// the middle of its work: the runtime preempts a goroutine by having one of its own
// threads give it a P again. Lend lets share 0 go before lower priorities then, or the
// highest one would wait for the lowest.
//
// The CPU driver keeps a table, so nothing here allocates or holds a pointer.
package shares

import "math/bits"

const (
	// Max is the number of shares, share 0 included: bits of a word.
	Max = 64
	// Runtime is the share of threads that are no dispatcher's.
	Runtime = 0
	// Weight is that of share 0, and of dispatchers that ask for none.
	Weight = 100
	// MaxWeight bounds weights, and with them the rounding of passes.
	MaxWeight = 10_000
)

// scale is the pass of one cycle at weight 1. A pass of 64 bits wraps around
// after months of one share's running, and is compared with that in mind.
const scale = 1 << 10

// mostHeld is by how many of its slices a share may be behind while it is held.
const mostHeld = 8

type share struct {
	weight   uint64 // 0: the share is not in use
	priority uint64
	pass     uint64
	ran      uint64 // cycles
}

// Table is the shares of a core. The zero Table has share 0 only.
type Table struct {
	shares    [Max]share
	contended uint64 // who competed at the last Pick, or was held
	floor     uint64 // the lowest pass of those
	slice     uint64 // cycles between two decisions, about

	lender    int    // the share whose priority share 0 has, 0 for none
	lentUntil uint64 // what share 0 has run when it gives that back
}

// Init makes the table ready: slice is how many cycles lie between two ticks.
func (t *Table) Init(slice uint64) {
	t.slice = slice
	t.shares[Runtime].weight = Weight
}

// Open takes a share with the given weight, from 1 to MaxWeight, and priority.
// False where all are taken.
func (t *Table) Open(weight, priority uint64) (i int, ok bool) {
	for i := 1; i < Max; i++ {
		if s := &t.shares[i]; s.weight == 0 {
			*s = share{pass: t.floor}
			t.Set(i, weight, priority)
			return i, true
		}
	}
	return 0, false
}

// Set changes a share's weight and priority.
func (t *Table) Set(i int, weight, priority uint64) {
	t.shares[i].weight = min(max(weight, 1), MaxWeight)
	t.shares[i].priority = priority
}

// Close gives a share back. Whoever still runs for it must run for another one.
func (t *Table) Close(i int) {
	t.shares[i] = share{}
	t.contended &^= 1 << i
}

// Lend says that a thread of share i waits for another thread, it is not known which. It may
// be one of the runtime's, so share 0 has the priority of i, until i runs again or share 0
// ran for a slice: who needs more than that to go on may as well wait for a share of a
// lower priority.
func (t *Table) Lend(i int) {
	if i != Runtime && (t.lender == 0 || t.shares[i].priority >= t.shares[t.lender].priority) {
		t.lender, t.lentUntil = i, t.shares[Runtime].ran+t.slice
	}
}

// lent returns whether share 0 has a priority of its own, and which.
func (t *Table) lent() (priority uint64, ok bool) {
	if t.shares[t.lender].weight == 0 || t.shares[Runtime].ran >= t.lentUntil {
		t.lender = 0
	}
	return t.shares[t.lender].priority, t.lender != 0
}

// Ran returns for how many cycles a share has run.
func (t *Table) Ran(i int) uint64 { return t.shares[i].ran }

// Charge says that a share ran for so many cycles.
func (t *Table) Charge(i int, cycles uint64) {
	s := &t.shares[i]
	s.ran += cycles
	if s.weight != 0 {
		s.pass += cycles * scale / s.weight
	}
}

// Pick returns which of the shares in the set ready, bit i for share i, is to
// run. There must be one. Those in held were stopped in the middle of their work and wait for
// the runtime: they go on competing, so what others get meanwhile is theirs later.
func (t *Table) Pick(ready, held uint64) int {
	compete := t.competitors(ready)
	t.admit(compete &^ t.contended)
	best := t.first(compete)
	held = t.waiting(held&t.contended&^(compete|1<<Runtime), best)
	t.contended = compete | held
	if floor := t.shares[t.first(t.contended)].pass; before(t.floor, floor) {
		t.floor = floor
	}
	if ready&(1<<Runtime) != 0 && t.lends(t.shares[best].priority, held) {
		best = Runtime
	}
	if best == t.lender {
		t.lender = 0
	}
	return best
}

// waiting returns those who are held and go on competing while best is the first. Who is behind
// by more than mostHeld slices waits for something else than its turn among the
// runtime's threads, and counts as one that does not want to run.
func (t *Table) waiting(held uint64, best int) (set uint64) {
	for rest := held; rest != 0; rest &= rest - 1 {
		s := &t.shares[bits.TrailingZeros64(rest)]
		if best == Runtime || !before(s.pass+mostHeld*t.slice*scale/s.weight, t.shares[best].pass) {
			set |= rest & -rest
		}
	}
	return set
}

// lends returns whether share 0 was lent a priority with which it goes before others of the given
// one: a higher one, or the same where who lent it is held.
func (t *Table) lends(priority, held uint64) bool {
	lent, ok := t.lent()
	return ok && (lent > priority || lent == priority && held>>t.lender&1 != 0)
}

// first returns who has the lowest pass.
func (t *Table) first(set uint64) int {
	best := bits.TrailingZeros64(set)
	for rest := set & (set - 1); rest != 0; rest &= rest - 1 {
		if i := bits.TrailingZeros64(rest); before(t.shares[i].pass, t.shares[best].pass) {
			best = i
		}
	}
	return best
}

// competitors returns those of the highest priority, and share 0.
func (t *Table) competitors(ready uint64) (set uint64) {
	top := uint64(0)
	for rest := ready &^ (1 << Runtime); rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros64(rest)
		switch p := t.shares[i].priority; {
		case set == 0 || p > top:
			top, set = p, 1<<i
		case p == top:
			set |= 1 << i
		}
	}
	return set | ready&(1<<Runtime)
}

// admit lets shares compete that did not before. Who did not want to run has no
// claim to the time it did not use, but for what it may have lost by being away for
// a moment: one slice of whoever has the least weight.
func (t *Table) admit(new uint64) {
	if new == 0 {
		return
	}
	least := uint64(MaxWeight)
	for i := range t.shares {
		if w := t.shares[i].weight; w != 0 {
			least = min(least, w)
		}
	}
	from := t.floor - t.slice*scale/least
	for ; new != 0; new &= new - 1 {
		if s := &t.shares[bits.TrailingZeros64(new)]; before(s.pass, from) {
			s.pass = from
		}
	}
}

// before compares passes that may have wrapped around.
func before(a, b uint64) bool { return int64(a-b) < 0 }
