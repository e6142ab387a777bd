package urpc

import (
	"math"
	"math/bits"
	"sync/atomic"
)

// Histogram counts durations in cells as HdrHistogram lays them out, with 64
// sub-buckets: 64 cells of 8 cycles, and from there on 32 for every doubling. A
// cell is at most a 32nd of its values wide, so its middle is off by 1.6 % at
// most. That lies between HdrHistogram's one and two digits, and fits what is free
// on the first page of a side, so that a thousand channels cost no page more.
type Histogram [HistogramCells]uint32

// HistogramCells is the number of cells; the last one ends at 2^33 cycles, 2 to
// 4 s, and also counts what took longer.
const HistogramCells = 832

const (
	cellUnit = 3 // a cell of the first 64 is 1<<cellUnit cycles wide
	cellBits = 6 // 1<<cellBits sub-buckets
	cellHalf = 1 << (cellBits - 1)
)

// cellOf returns the cell that counts a duration in cycles.
func cellOf(cycles uint64) int {
	v := cycles >> cellUnit
	doublings := max(bits.Len64(v)-cellBits, 0)
	return min(doublings*cellHalf+int(v>>doublings), HistogramCells-1)
}

// CellRange returns the durations in cycles, from low on and below high, that
// cell i counts.
func CellRange(i int) (low, high uint64) {
	doublings := max(i/cellHalf-1, 0)
	width := uint64(1) << (cellUnit + doublings)
	low = uint64(i-doublings*cellHalf) * width
	return low, low + width
}

// record counts a duration n times. Where its cell has no room for that all cells
// are halved first, which leaves what they say of quantiles.
func (h *Histogram) record(cycles, n uint64) {
	n = min(n, 1<<31)
	c := &h[cellOf(cycles)]
	for uint64(*c)+n > math.MaxUint32 {
		for i := range h {
			atomic.StoreUint32(&h[i], h[i]/2)
		}
	}
	atomic.StoreUint32(c, *c+uint32(n))
}

// Each yields the cells that counted something, from the shortest duration on.
// The histogram may grow meanwhile.
func (h *Histogram) Each(yield func(cell int, count uint32) bool) {
	for i := range h {
		if n := atomic.LoadUint32(&h[i]); n > 0 && !yield(i, n) {
			return
		}
	}
}
