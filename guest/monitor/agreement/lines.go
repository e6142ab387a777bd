package agreement

import (
	"fmt"
	"slices"

	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/numbers"
	"barreleye/urpc"
)

// Types of the lines that carry a Message: the first, and those with what of the
// operation did not fit into it.
const (
	TypeFirst = 0x0200
	TypeMore  = 0x0201
)

// Word 0 of the first line, from bit 0 on: kind 4 bits, yes 1, all 1, words of the set 5, the
// first of them 4, the operation's length 8, the coordinator 10, the epoch 31. Word 1 is the
// sequence. From word 2 on follow those words of the set that are not 0 at both ends, and the
// operation.
const (
	yesBit      = 1 << 4
	allBit      = 1 << 5
	wordsShift  = 6
	firstShift  = 11
	lengthShift = 15
	coreShift   = 23
	epochShift  = 33
	setMask     = 1<<lengthShift - 1<<wordsShift
	headWords   = 2
)

const _ = uint(1<<(coreShift-lengthShift) - 1 - MaxOp)
const _ = uint(1<<(epochShift-coreShift) - cores.Max)

// field returns some bits of a word.
func field(w uint64, from, to int) int { return int(w >> from & (1<<(to-from) - 1)) }

// Line writes the message into one line, and reports whether it fits: it does where it has no
// set, and an operation of at most 40 bytes.
func (m *Message) Line(l *urpc.Message) bool {
	if !m.Set.Empty() || len(m.Op) > 8*lineWords {
		return false
	}
	l.Type, l.Len = TypeFirst, urpc.MaxPayload
	l.Words = [urpc.WordCount]uint64{m.head(), m.Seq}
	if m.Op != "" {
		put(l.Words[headWords:], string(m.Op))
	}
	return true
}

// head returns the first word of a message without a set.
func (m *Message) head() uint64 {
	return uint64(m.Kind) | uint64(b2i(m.Yes))*yesBit | uint64(b2i(m.All))*allBit |
		uint64(len(m.Op))<<lengthShift | uint64(m.Core)<<coreShift | m.Epoch<<epochShift
}

// AppendLines appends the lines of the message: one, unless the operation and the words of
// the set are longer than 40 bytes together.
func (m *Message) AppendLines(list []urpc.Message) []urpc.Message {
	set, first := m.Set.Words(), 0
	for len(set) > 0 && set[0] == 0 {
		set, first = set[1:], first+1
	}
	list, l := another(list, TypeFirst)
	l.Words[0] = m.head() | uint64(len(set))<<wordsShift | uint64(first)<<firstShift
	l.Words[1] = m.Seq
	at := headWords
	for _, w := range set {
		if at == len(l.Words) {
			list, l = another(list, TypeMore)
			at = 0
		}
		l.Words[at] = w
		at++
	}
	for rest := put(l.Words[at:], string(m.Op)); rest != ""; {
		list, l = another(list, TypeMore)
		rest = put(l.Words[:], rest)
	}
	return list
}

// another adds a line to a list.
func another(list []urpc.Message, kind uint16) ([]urpc.Message, *urpc.Message) {
	n := len(list)
	list = slices.Grow(list, 1)[:n+1]
	l := &list[n]
	*l = urpc.Message{}
	l.Type, l.Len = kind, urpc.MaxPayload
	return list, l
}

// put writes the bytes of s into words, the last of them filled up with zeroes, and returns
// what did not fit.
func put(words []uint64, s string) (rest string) {
	if n := 8 * len(words); len(s) > n {
		s, rest = s[:n], s[n:]
	}
	whole := len(s) / 8
	for i := range words[:whole] {
		words[i] = numbers.Word(s[8*i:])
	}
	if n := len(s) % 8; n > 0 {
		words[whole] = numbers.Tail(s, n)
	}
	return rest
}

// Reader makes messages of the lines of one channel.
type Reader struct {
	op    []byte
	want  int // bytes of the operation in all
	words int // of the set that are to come
	at    int // the next of them

	lines  recentLines
	recent Recent
}

// inside reports whether more lines of a message are to come.
func (r *Reader) inside() bool { return r.words > 0 || len(r.op) < r.want }

// Take takes the next line of m, the same for all of a message, and reports whether that is
// whole. It fails with urpc.ErrCorrupt where no machine wrote that line; the channel is to be
// closed then.
func (r *Reader) Take(l *urpc.Message, m *Message) (whole bool, err error) {
	if l.Len != urpc.MaxPayload {
		return false, wrong(l)
	}
	words := l.Words[:]
	switch {
	case l.Type == TypeFirst && !r.inside():
		w := l.Words[0]
		m.Kind, m.Yes, m.All = Kind(field(w, 0, 4)), w&yesBit != 0, w&allBit != 0
		m.Seq, m.Core, m.Epoch, m.Op = l.Words[1], field(w, coreShift, epochShift), w>>epochShift, ""
		m.Set.Clear()
		if m.Kind < KindPrepare || m.Kind > KindCall || m.Seq == 0 {
			return false, wrong(l)
		}
		size := field(w, lengthShift, coreShift)
		if w&setMask == 0 && size <= 8*lineWords { // as mostly
			if size > 0 {
				m.Op = r.lines.op(words[headWords:], size)
			}
			return true, nil
		}
		r.words, r.at = field(w, wordsShift, firstShift), field(w, firstShift, lengthShift)
		r.op, r.want = r.op[:0], size
		if r.want > MaxOp || r.at+r.words > cores.SetWords {
			r.want, r.words = 0, 0
			return false, wrong(l)
		}
		words = words[headWords:]
	case l.Type == TypeMore && r.inside():
	default:
		return false, wrong(l)
	}
	if r.words > 0 {
		n := min(r.words, len(words))
		for i, w := range words[:n] {
			m.Set.SetWord(r.at+i, w)
		}
		words, r.at, r.words = words[n:], r.at+n, r.words-n
	}
	if r.want == 0 {
		return r.words == 0, nil
	}
	if len(r.op) == 0 && r.want <= 8*min(len(words), lineWords) {
		m.Op = r.lines.op(words, r.want)
		r.want = 0
		return true, nil
	}
	r.op = take(r.op, words, min(8*len(words), r.want-len(r.op)))
	if r.inside() {
		return false, nil
	}
	m.Op = r.recent.Op(r.op)
	return true, nil
}

func wrong(l *urpc.Message) error {
	return fmt.Errorf("agreement: line of type %#x, words %x: %w", l.Type, l.Words, urpc.ErrCorrupt)
}
