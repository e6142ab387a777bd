package agreement

import (
	"fmt"

	"barreleye/urpc"
)

// Types of the lines that carry a Message: the first, and those with what of the
// operation did not fit into it.
const (
	TypeFirst = 0x0200
	TypeMore  = 0x0201
)

// The first line holds in word 0 kind 16, yes 1, all 1, the operation's length 16
// (from bit 32), in word 1 the sequence, and from word 2 on the operation.
const (
	yesBit      = 1 << 16
	allBit      = 1 << 17
	lengthShift = 32
	headBytes   = 16
	firstBytes  = urpc.MaxPayload - headBytes // of the operation
)

// AppendLines appends the lines of the message: one, unless the operation is longer
// than 40 bytes.
func (m *Message) AppendLines(list []urpc.Message) []urpc.Message {
	var l urpc.Message
	l.Type, l.Len = TypeFirst, urpc.MaxPayload
	l.Words[0] = uint64(m.Kind) | uint64(len(m.Op))<<lengthShift
	if m.Yes {
		l.Words[0] |= yesBit
	}
	if m.All {
		l.Words[0] |= allBit
	}
	l.Words[1] = m.Seq
	rest := string(m.Op)
	rest = put(l.Words[headBytes/8:], rest)
	list = append(list, l)
	for rest != "" {
		more := urpc.Message{Type: TypeMore, Len: urpc.MaxPayload}
		rest = put(more.Words[:], rest)
		list = append(list, more)
	}
	return list
}

// put fills words, which are zero, with the bytes of s and returns what did not fit.
func put(words []uint64, s string) (rest string) {
	n := min(len(s), 8*len(words))
	rest, s = s[n:], s[:n]
	for i := 0; len(s) > 0; i++ {
		if len(s) < 8 {
			for j := range len(s) {
				words[i] |= uint64(s[j]) << (8 * j)
			}
			break
		}
		words[i] = uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		s = s[8:]
	}
	return rest
}

// Reader makes messages of the lines of one channel.
type Reader struct {
	msg  Message
	op   []byte
	want int // bytes of the operation in all
}

// Take takes the next line and reports whether a message is whole. It fails with
// urpc.ErrCorrupt where no machine wrote that line; the channel is to be closed then.
func (r *Reader) Take(l *urpc.Message) (m Message, whole bool, err error) {
	wrong := func() (Message, bool, error) {
		return Message{}, false, fmt.Errorf("agreement: line of type %#x, words %x: %w", l.Type, l.Words, urpc.ErrCorrupt)
	}
	if l.Len != urpc.MaxPayload {
		return wrong()
	}
	words := l.Words[:]
	switch {
	case l.Type == TypeFirst && len(r.op) == r.want:
		w := l.Words[0]
		r.msg = Message{Kind: Kind(w), Yes: w&yesBit != 0, All: w&allBit != 0, Seq: l.Words[1]}
		r.op, r.want = r.op[:0], int(w>>lengthShift)
		if r.msg.Kind < KindPrepare || r.msg.Kind > KindFlushed || r.msg.Seq == 0 || r.want > MaxOp || w&(1<<lengthShift-allBit<<1) != 0 {
			r.want = 0
			return wrong()
		}
		words = words[headBytes/8:]
	case l.Type == TypeMore && len(r.op) < r.want:
	default:
		return wrong()
	}
	r.op = take(r.op, words, min(8*len(words), r.want-len(r.op)))
	if len(r.op) < r.want {
		return Message{}, false, nil
	}
	r.msg.Op = Op(r.op)
	return r.msg, true, nil
}
