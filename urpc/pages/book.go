package pages

import "fmt"

// book is what one core knows about its pool with one peer: the protocol without
// channel, time or waiting. Nothing of it is shared; the peer keeps a book of its
// own, and both agree because each changes its own by what it sends and by what
// it takes, in order, and only the owner of a page sends a line that moves it.
//
// A page that is mine is free, due, in hand (shelf.hand) or lent. All others are
// the peer's, or on their way.
type book struct {
	shelf  *shelf
	lo, hi uint32 // pages [lo, hi) are at home here: they were this core's at first
	mine   bitmap
	free   bitmap // at home here, to be taken
	from   uint32 // none below is free
	due    bitmap // at home at the peer; a line for them waits for room

	out, in uint64 // generations of the last line sent and taken

	came   queue  // handed over by the peer, or back from it, not yet received
	lent   []loan // to the peer, of pools with others
	offers queue  // granted by the peer, not yet accepted
}

// newBook makes the book of core self.
func newBook(s *shelf, self int) *book {
	n := s.pages()
	b := &book{shelf: s, hi: n / 2, mine: newBitmap(int(n)), free: newBitmap(int(n)), due: newBitmap(int(n))}
	if self == s.b {
		b.lo, b.hi = n/2, n
	}
	b.from = b.lo
	home := run{b.lo, b.hi - b.lo}
	b.mine.set(home)
	b.free.set(home)
	return b
}

// take finds free pages for n bytes.
func (b *book) take(n int) (run, error) {
	most := int(b.hi-b.lo) * PageSize
	if n < 1 || n > most {
		return run{}, fmt.Errorf("pages: take %d bytes, 1 to %d possible: %w", n, most, ErrSize)
	}
	r, ok := b.free.find(uint32((n+PageSize-1)/PageSize), b.from, b.hi)
	if !ok {
		return run{}, ErrNone
	}
	b.free.clear(r)
	if r.first == b.from {
		b.from = r.end()
	}
	return r, nil
}

// home reports whether r is at home here.
func (b *book) home(r run) bool { return r.first >= b.lo && r.end() <= b.hi }

// away notes that r is the peer's from now on.
func (b *book) away(r run) { b.mine.clear(r) }

// rest frees pages at home here.
func (b *book) rest(r run) {
	b.free.set(r)
	b.from = min(b.from, r.first)
}

// arrive applies a line of the peer that moves pages of this pool: kindHand or
// kindHome. An error wraps urpc.ErrCorrupt, and nothing has changed.
func (b *book) arrive(l *line) error {
	half := b.shelf.pages() / 2
	switch {
	case l.run.end() > b.shelf.pages():
		return l.wrong("outside the pool")
	case l.run.first < half && l.run.end() > half:
		return l.wrong("pages of two homes")
	case !b.mine.none(l.run):
		return l.wrong("pages that are not its")
	case l.kind == kindHome && !b.home(l.run):
		return l.wrong("home to where they are not at home")
	}
	b.mine.set(l.run)
	if l.kind == kindHome {
		b.rest(l.run)
	}
	return nil
}

// check wants the next generation.
func (b *book) check(l *line) error {
	if l.generation != b.in+1 {
		return l.wrong(fmt.Sprintf("generation %d was to come", b.in+1))
	}
	b.in++
	return nil
}

// loan is a run that was granted to the peer of a book; of is the book it is in.
type loan struct {
	of  *Pool
	run run
}

// repaid ends the loan that l names, and returns it.
func (b *book) repaid(l *line) (loan, error) {
	for i, n := range b.lent {
		if n.run == l.run && uint64(n.of.peer) == l.other {
			b.lent[i] = b.lent[len(b.lent)-1]
			b.lent = b.lent[:len(b.lent)-1]
			return n, nil
		}
	}
	return loan{}, l.wrong("pages that were not granted")
}

// arrival is a run that waits to be received or accepted.
type arrival struct {
	pages Pages
	tag   uint64
}

// queue keeps arrivals in their order. It allocates only to grow: each holds at
// least one page.
type queue struct {
	ring     []arrival
	at, used int
}

func (q *queue) push(a arrival) {
	if q.used == len(q.ring) {
		grown := make([]arrival, max(16, 2*len(q.ring)))
		for i := range q.used {
			grown[i] = q.ring[(q.at+i)%len(q.ring)]
		}
		q.ring, q.at = grown, 0
	}
	q.ring[(q.at+q.used)%len(q.ring)] = a
	q.used++
}

// first returns the oldest arrival, nil if there is none.
func (q *queue) first() *arrival {
	if q.used == 0 {
		return nil
	}
	return &q.ring[q.at]
}

// pop drops the first one.
func (q *queue) pop() {
	q.at = (q.at + 1) % len(q.ring)
	q.used--
}
