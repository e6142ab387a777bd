package trace

import (
	"bytes"
	"sync/atomic"
)

// Names is the page with the names of a program's spans, instants and counters.
// Its only writer is the core; a name is there before a record names it.
type Names struct {
	n    atomic.Uint64
	_    [NameSize - 8]byte
	text [MaxNames][NameSize]byte // ended by a zero
}

// MaxNames is how many names a core has room for, NameSize what one takes in
// bytes, of which the last is zero.
const (
	NameSize = 32
	MaxNames = HeadSize/NameSize - 1
)

// Add returns the place of a new name, which is cut where it is too long, or
// false where there is no room. One goroutine at a time.
func (t *Names) Add(name string) (place uint64, ok bool) {
	i := t.n.Load()
	if i >= MaxNames {
		return 0, false
	}
	copy(t.text[i][:NameSize-1], name)
	t.n.Store(i + 1)
	return i, true
}

// Name returns the name in a place, "" where there is none.
func (t *Names) Name(place uint64) string {
	if place >= min(t.n.Load(), MaxNames) {
		return ""
	}
	text := t.text[place] // the core may go on writing
	name, _, _ := bytes.Cut(text[:NameSize-1], []byte{0})
	return string(name)
}
