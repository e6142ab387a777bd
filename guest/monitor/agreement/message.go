package agreement

import (
	"fmt"

	"barreleye/urpc"
)

// Op is an operation, in the words of the state that it changes.
type Op [5]uint64

// Kind says what a message means.
type Kind uint16

// Messages. The first three come from a coordinator, the next two answer it.
const (
	KindPrepare Kind = 1 + iota // may Op take effect?
	KindDecide                  // it does (Yes) or does not
	KindApply                   // Op takes effect: there is only one phase
	KindVote                    // it may (Yes) or may not
	KindDone                    // what was decided, or applied, has taken effect
	KindFlushed                 // to a sponsor: what I began before the join has ended. Seq is my view's epoch
)

// Message is what machines send each other. It fits one line.
type Message struct {
	Kind Kind
	Yes  bool
	All  bool   // KindPrepare and KindApply: it changes what all cores hold alike
	Seq  uint64 // of the coordinator's operation, from 1 on
	Op   Op     // KindPrepare and KindApply
}

// MessageType is the type of a line that carries a Message.
const MessageType = 0x0200

// Encode makes a line of the message: word 0 is kind 16, yes 1, all 1, word 1 the
// sequence, the others the operation.
func (m *Message) Encode() (l urpc.Message) {
	l.Type, l.Len = MessageType, urpc.MaxPayload
	l.Words[0] = uint64(m.Kind)
	if m.Yes {
		l.Words[0] |= 1 << 16
	}
	if m.All {
		l.Words[0] |= 1 << 17
	}
	l.Words[1] = m.Seq
	copy(l.Words[2:], m.Op[:])
	return l
}

// Decode reads a line. It fails with urpc.ErrCorrupt where no machine wrote it.
func (m *Message) Decode(l *urpc.Message) error {
	w := l.Words[0]
	*m = Message{Kind: Kind(w), Yes: w>>16&1 != 0, All: w>>17&1 != 0, Seq: l.Words[1]}
	copy(m.Op[:], l.Words[2:])
	if l.Type != MessageType || l.Len != urpc.MaxPayload || m.Kind < KindPrepare || m.Kind > KindFlushed || m.Seq == 0 || w>>18 != 0 {
		return fmt.Errorf("agreement: line of type %#x, words %x: %w", l.Type, l.Words, urpc.ErrCorrupt)
	}
	return nil
}
