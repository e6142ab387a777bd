package trace

// Reader reads a ring in order, while it is being written. It belongs to one
// goroutine.
type Reader struct {
	ring    Ring
	next    uint64 // number of the next record
	dropped uint64
}

// NewReader begins with the oldest record that the ring still holds.
func NewReader(r Ring) *Reader {
	reader := &Reader{ring: r}
	if begun, size := r.Begun(), uint64(len(r.records)); begun > size {
		reader.next = begun - size
	}
	return reader
}

// Skip goes on with the next record that is begun.
func (r *Reader) Skip() { r.next = r.ring.Begun() }

// Dropped returns how many records were overwritten before they were read, or
// never finished.
func (r *Reader) Dropped() uint64 { return r.dropped }

// Behind returns how many records are there that were not read yet.
func (r *Reader) Behind() uint64 { return r.ring.Begun() - r.next }

// Read reads up to len(into) records and returns how many. What a writer has not
// finished ends the reading, until it has, or until half a ring has come behind
// it. last says that no writer is left: then it is dropped at once. Whatever the
// ring holds, Read ends, and returns only records whose check is right.
func (r *Reader) Read(into []Record, last bool) (n int) {
	size := uint64(len(r.ring.records))
	begun := r.ring.Begun()
	if behind := begun - r.next; behind > size {
		if int64(behind) < 0 { // a new life of the core counts anew
			r.next = 0
		} else {
			r.dropped += behind - size
		}
		r.next = max(r.next, begun-min(begun, size))
	}
	for n < len(into) && r.next != begun {
		rec, steady := r.ring.load(r.next)
		switch {
		case steady && rec.is(r.next):
			into[n] = rec
			n++
		case last, begun-r.next > size/2, r.ring.Begun()-r.next > size:
			r.dropped++
		default:
			return n
		}
		r.next++
	}
	return n
}
