package pages

import "math/bits"

// run is a number of consecutive pages of a pool.
type run struct{ first, count uint32 }

func (r run) end() uint32 { return r.first + r.count }

// bitmap has a bit per page.
type bitmap []uint64

func newBitmap(pages int) bitmap { return make(bitmap, (pages+63)/64) }

// words calls f with the index of each word that holds pages of r, and their bits
// in it, until f returns false; it reports whether f never did.
func (r run) words(f func(i uint32, mask uint64) bool) bool {
	for at := r.first; at < r.end(); {
		next := min(at&^63+64, r.end())
		mask := ^uint64(0) >> (64 - (next - at)) << (at & 63)
		if !f(at>>6, mask) {
			return false
		}
		at = next
	}
	return true
}

func (b bitmap) set(r run) {
	r.words(func(i uint32, mask uint64) bool { b[i] |= mask; return true })
}

func (b bitmap) clear(r run) {
	r.words(func(i uint32, mask uint64) bool { b[i] &^= mask; return true })
}

// all reports whether every page of r is in b, none whether no page is.
func (b bitmap) all(r run) bool {
	return r.words(func(i uint32, mask uint64) bool { return b[i]&mask == mask })
}

func (b bitmap) none(r run) bool {
	return r.words(func(i uint32, mask uint64) bool { return b[i]&mask == 0 })
}

// next returns the first run from page at on, cut at end. Its count is 0 if there
// is none.
func (b bitmap) next(at, end uint32) run {
	at = b.scan(at, end, 0)
	return run{at, b.scan(at, end, ^uint64(0)) - at}
}

// scan returns the first page from at on whose bit, after flip, is set, or end.
func (b bitmap) scan(at, end uint32, flip uint64) uint32 {
	for at < end {
		if w := (b[at>>6] ^ flip) >> (at & 63); w != 0 {
			return min(at+uint32(bits.TrailingZeros64(w)), end)
		}
		at = at&^63 + 64
	}
	return end
}

// find returns the first count consecutive pages in [at, end).
func (b bitmap) find(count, at, end uint32) (run, bool) {
	for at+count <= end {
		r := b.next(at, end)
		if r.count >= count {
			return run{r.first, count}, true
		}
		at = r.end() + 1 // the page behind a run is not in b
	}
	return run{}, false
}
