package agreement

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/numbers"
	"barreleye/urpc"
)

// Types of the lines that carry a Snapshot: the first, with its length in bytes in word 0,
// and the others.
const (
	TypeSnapshot     = 0x0202
	TypeSnapshotMore = 0x0203
)

// MaxSnapshot is the largest size of a snapshot, in bytes.
const MaxSnapshot = 16 << 20

// AppendLines appends the lines of a snapshot: the epoch, the members, what has ended of
// each coordinator, and the state.
func (s *Snapshot) AppendLines(list []urpc.Message) []urpc.Message {
	rest := string(s.bytes())
	l := urpc.Message{Type: TypeSnapshot, Len: urpc.MaxPayload}
	l.Words[0] = uint64(len(rest))
	rest = put(l.Words[1:], rest)
	list = append(list, l)
	for rest != "" {
		more := urpc.Message{Type: TypeSnapshotMore, Len: urpc.MaxPayload}
		rest = put(more.Words[:], rest)
		list = append(list, more)
	}
	return list
}

func (s *Snapshot) bytes() []byte {
	b := binary.AppendUvarint(nil, s.Epoch)
	b = binary.AppendUvarint(b, uint64(s.Members.Len()))
	for c := range s.Members.All() {
		b = binary.AppendUvarint(b, uint64(c))
	}
	b = binary.AppendUvarint(b, uint64(len(s.Parts)))
	for _, c := range slices.Sorted(maps.Keys(s.Parts)) {
		b = binary.AppendUvarint(b, uint64(c))
		for _, e := range s.Parts[c] {
			b = binary.AppendUvarint(b, e.Seq)
			b = append(b, b2i(e.Ended)|b2i(e.All)<<1)
		}
	}
	return append(b, s.State...)
}

func b2i(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// SnapshotReader makes snapshots of the lines of one channel.
type SnapshotReader struct {
	b    []byte
	want int
}

// Take takes the next line and reports whether a snapshot is whole. It fails with
// urpc.ErrCorrupt where no machine wrote that line; the channel is to be closed then.
func (r *SnapshotReader) Take(l *urpc.Message) (s Snapshot, whole bool, err error) {
	words := l.Words[:]
	switch {
	case l.Len != urpc.MaxPayload:
		return s, false, fmt.Errorf("agreement: snapshot: line of %d bytes: %w", l.Len, urpc.ErrCorrupt)
	case l.Type == TypeSnapshot && len(r.b) == r.want && l.Words[0] != 0 && l.Words[0] <= MaxSnapshot:
		r.b, r.want = nil, int(l.Words[0])
		words = words[1:]
	case l.Type == TypeSnapshotMore && len(r.b) < r.want:
	default:
		return s, false, fmt.Errorf("agreement: snapshot: line of type %#x with %d of %d bytes: %w", l.Type, len(r.b), r.want, urpc.ErrCorrupt)
	}
	r.b = take(r.b, words, min(8*len(words), r.want-len(r.b)))
	if len(r.b) < r.want {
		return s, false, nil
	}
	if err := s.parse(r.b); err != nil {
		return Snapshot{}, false, fmt.Errorf("%w: %w", err, urpc.ErrCorrupt)
	}
	return s, true, nil
}

var errSnapshot = errors.New("agreement: snapshot: it ends in the middle, or names cores that cannot be")

// parse is the reverse of bytes.
func (s *Snapshot) parse(b []byte) error {
	r := numbers.Reader{Rest: b}
	number := r.Below
	s.Epoch = number(1 << 63)
	for n := number(cores.Max + 1); n > 0 && !r.Bad; n-- {
		s.Members.Add(int(number(cores.Max)))
	}
	s.Parts = map[int][Window]Ended{}
	for n := number(cores.Max + 1); n > 0 && !r.Bad; n-- {
		c := int(number(cores.Max))
		var w [Window]Ended
		for i := range w {
			w[i].Seq = number(1 << 63)
			if len(r.Rest) == 0 || r.Rest[0] > 3 {
				return errSnapshot
			}
			w[i].Ended, w[i].All = r.Rest[0]&1 != 0, r.Rest[0]&2 != 0
			r.Rest = r.Rest[1:]
		}
		s.Parts[c] = w
	}
	if r.Bad {
		return errSnapshot
	}
	s.State = r.Rest
	return nil
}
