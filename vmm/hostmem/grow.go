package hostmem

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Part is a part of a Memory that was added to it: the bytes [From, To).
type Part struct{ From, To uint64 }

// parts are what was added, in order, without overlaps. Whoever grows or shrinks the
// memory replaces them; others may look meanwhile.
type parts struct{ list atomic.Pointer[[]Part] }

func (p *parts) all() []Part {
	if l := p.list.Load(); l != nil {
		return *l
	}
	return nil
}

// ErrParts says that memory is there already, or is not.
var ErrParts = errors.New("not what there is")

// Grow adds [from, to) to memory of AllocateUpTo: zeroes. An error of the host says that
// it has no more.
func (m *Memory) Grow(from, to uint64) error {
	old := m.grown.all()
	at, _ := slices.BinarySearchFunc(old, from, func(p Part, v uint64) int { return cmp.Compare(p.From, v) })
	if from < m.size || to <= from || to > uint64(len(m.Bytes)) ||
		at > 0 && old[at-1].To > from || at < len(old) && old[at].From < to {
		return fmt.Errorf("host memory: grow by [%#x, %#x): %w", from, to, ErrParts)
	}
	if err := unix.Mprotect(m.Bytes[from:to], unix.PROT_READ|unix.PROT_WRITE); err != nil {
		return err
	}
	next := slices.Insert(slices.Clone(old), at, Part{from, to})
	m.grown.list.Store(&next)
	return nil
}

// Shrink gives [from, to), all of which Grow added, back to the host.
func (m *Memory) Shrink(from, to uint64) error {
	next, ok := without(m.grown.all(), from, to)
	if !ok {
		return fmt.Errorf("host memory: shrink by [%#x, %#x): %w", from, to, ErrParts)
	}
	m.grown.list.Store(&next)
	return m.discard(from, to)
}

// Size returns how much there is from the start, in bytes.
func (m *Memory) Size() uint64 { return m.size }

// Parts returns what was added, in order. A part that was shrunk in its middle is two.
func (m *Memory) Parts() []Part { return m.grown.all() }

// Has reports whether the byte at an offset is there.
func (m *Memory) Has(at uint64) bool {
	return at < m.size || slices.ContainsFunc(m.grown.all(), func(p Part) bool { return at-p.From < p.To-p.From })
}

// HasAll reports whether a part was added as a whole.
func (m *Memory) HasAll(p Part) bool {
	_, ok := without(m.grown.all(), p.From, p.To)
	return ok
}

// Top returns the end of what there is.
func (m *Memory) Top() uint64 {
	if l := m.grown.all(); len(l) > 0 {
		return l[len(l)-1].To
	}
	return m.size
}

// without takes [from, to) out of a list of parts that has all of it.
func without(list []Part, from, to uint64) (next []Part, ok bool) {
	at := from
	for _, p := range list {
		if p.To <= from || p.From >= to {
			next = append(next, p)
			continue
		}
		if p.From > at {
			return nil, false
		}
		at = p.To
		if p.From < from {
			next = append(next, Part{p.From, from})
		}
		if p.To > to {
			next = append(next, Part{to, p.To})
		}
	}
	return next, at >= to && to > from
}
