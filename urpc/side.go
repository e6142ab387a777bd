package urpc

import (
	"fmt"
	"sync/atomic"
)

// pageSize is the unit of "one writer": pages can be mapped read-only for the
// other core, cache lines cannot.
const pageSize = 4096

// Side is all memory of a duplex channel that one core writes. It starts on a
// page of its own:
//
//	0     Tx: control of the ring below
//	64    Rx: control of the other side's ring (acknowledgements)
//	256   Stats
//	4096  Ring
type Side struct {
	Tx, Rx *Control
	Stats  *Stats
	Ring   []Line
}

// statsAt is where a side's statistics lie. What is between them and Rx belongs to
// whoever laid out the memory.
const statsAt = 256

// SideBytes is the size in bytes of a side with that many lines, a multiple of
// the page size.
func SideBytes(lines int) int {
	return pageSize + (RingBytes(lines)+pageSize-1)&^(pageSize-1)
}

// SideOf views the first SideBytes(lines) bytes of mem as a side. It fails with
// ErrLayout as LinesOf does. In shared memory mem must start on a page boundary;
// that is not checked, so that tests may use the heap.
func SideOf(mem []byte, lines int) (Side, error) {
	if err := checkLines(lines); err != nil {
		return Side{}, err
	}
	if len(mem) < SideBytes(lines) {
		return Side{}, fmt.Errorf("side of %d lines in %d bytes: %w", lines, len(mem), ErrLayout)
	}
	ring, err := LinesOf(mem[pageSize:], lines)
	if err != nil {
		return Side{}, err
	}
	tx, err := ControlOf(mem)
	if err != nil {
		return Side{}, err
	}
	rx, err := ControlOf(mem[LineSize:])
	if err != nil {
		return Side{}, err
	}
	stats, err := StatsOf(mem[statsAt:])
	return Side{Tx: tx, Rx: rx, Stats: stats, Ring: ring}, err
}

// Ended reports whether the core that writes the side has closed its end, or somebody
// did in its place. A zeroed side has not ended.
func (s *Side) Ended() bool {
	return atomic.LoadUint64(&s.Tx.state) != 0 || atomic.LoadUint64(&s.Tx.index)&indexClosed != 0
}

// Sent returns how many messages went into the ring of a side that has ended. Its core may
// have died before it counted the last one.
func (s *Side) Sent() uint64 {
	return max(atomic.LoadUint64(&s.Tx.sent), atomic.LoadUint64(&s.Stats.Send.Messages))
}

// checkLines fails with ErrLayout unless n can be the length of a ring.
func checkLines(n int) error {
	if n < MinLines || n > MaxLines || n&(n-1) != 0 {
		return fmt.Errorf("ring of %d lines, power of two from %d to %d needed: %w", n, MinLines, MaxLines, ErrLayout)
	}
	return nil
}
