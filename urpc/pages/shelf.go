package pages

import (
	"fmt"
	"sync/atomic"
)

// PageSize is the unit of ownership in bytes.
const PageSize = 4096

// shelf is the memory of one pair's pool, and what of it this core's program has
// in hand.
type shelf struct {
	a, b   int // the pair; a < b
	mem    []byte
	hand   bitmap          // pages in hand
	ticket []atomic.Uint64 // by first page of a run in hand: which handle is valid; 0: none
}

func newShelf(a, b int, mem []byte) (*shelf, error) {
	n := len(mem) / PageSize
	if len(mem)%PageSize != 0 || n < 2 || n%2 != 0 || n > MaxPages {
		return nil, fmt.Errorf("pages: cores %d and %d: %d bytes, an even number of pages up to %d needed: %w", a, b, len(mem), MaxPages, ErrConfig)
	}
	return &shelf{a: a, b: b, mem: mem, hand: newBitmap(n), ticket: make([]atomic.Uint64, n)}, nil
}

// MaxPages is how many pages a pool may have: 4 GiB.
const MaxPages = 1 << 20

func (s *shelf) pages() uint32 { return uint32(len(s.ticket)) }

// bytes is the memory of r.
func (s *shelf) bytes(r run) []byte {
	end := int(r.end()) * PageSize
	return s.mem[int(r.first)*PageSize : end : end]
}

// not returns the core of the pair that core is not.
func (s *shelf) not(core int) int { return s.a + s.b - core }

// put puts a run into the program's hands. ticket is new.
func (s *shelf) put(r run, ticket uint64) {
	s.hand.set(r)
	s.ticket[r.first].Store(ticket)
}

// drop takes it out of them.
func (s *shelf) drop(r run) {
	s.hand.clear(r)
	s.ticket[r.first].Store(0)
}

// Pages is a run of consecutive pages in the hands of this core's program. It is
// a handle: copies of it stand for the same pages, and none of them is good any
// more once the pages were handed over, granted or released.
type Pages struct {
	pool   *Pool // whose books they are in; for granted pages the pool with who granted them
	shelf  *shelf
	run    run
	size   int
	ticket uint64
}

// Bytes is the memory: Len bytes, and room up to the end of the last page. It is
// nil for pages that are gone. Slices of it that are kept are the program's to
// forget: only the debug mode catches their use.
func (p Pages) Bytes() []byte {
	if !p.valid() {
		return nil
	}
	return p.shelf.bytes(p.run)[:p.size]
}

// Len is how many bytes count, from the first on.
func (p Pages) Len() int { return p.size }

// Cut returns the same pages with another number of bytes that count, for a Give
// of less than was taken. It fails with ErrSize beyond their end.
func (p Pages) Cut(n int) (Pages, error) {
	if n < 0 || n > int(p.run.count)*PageSize {
		return Pages{}, fmt.Errorf("%d bytes of %d pages: %w", n, p.run.count, ErrSize)
	}
	p.size = n
	return p, nil
}

// valid reports whether the pages are in the program's hands.
func (p Pages) valid() bool {
	return p.shelf != nil && p.shelf.ticket[p.run.first].Load() == p.ticket && !(p.granted() && p.pool.left.Load())
}

// granted reports whether they are lent by a core of another pair.
func (p Pages) granted() bool { return p.shelf != p.pool.shelf }
