package rpc

import (
	"encoding/binary"

	"barreleye/urpc"
)

// kind is what a line says: bits 12 to 15 of its message type; below are 12 bits
// of method. Of a message longer than a line the first is a begin, the rest more.
type kind uint16

const (
	kindRequest kind = 1 + iota
	kindRequestBegin
	kindRequestMore
	kindCancel
	kindAnswer
	kindAnswerBegin
	kindAnswerMore
	kindFailure
	kindFailureBegin
	kindEnd
)

const (
	kindShift  = 12
	methodMask = 1<<kindShift - 1

	// MaxMethod is the highest method number.
	MaxMethod = methodMask

	wordBytes = 8
	lineBytes = urpc.MaxPayload - wordBytes // of a message's body in one line
)

// id names a call of one direction: the slot that it has at both ends, below
// InFlight, and how often the slot was used before.
type id uint32

func makeID(slot, use uint16) id { return id(slot) | id(use)<<16 }

func (i id) slot() int { return int(uint16(i)) }

// The first word of a line: the id in the low half, in the high half the size in
// bytes of the whole body or, for what goes on, how much of it was before.
func firstWord(i id, n int) uint64 { return uint64(i) | uint64(uint32(n))<<32 }

// putLine makes m a line. body is its part of the body, n the high half of the
// first word.
func putLine(m *urpc.Message, k kind, method uint16, i id, n int, body []byte) {
	m.Type = uint16(k)<<kindShift | method
	m.Len = uint8(wordBytes + len(body))
	m.Words[0] = firstWord(i, n)
	w := 1
	for ; len(body) >= wordBytes; w++ {
		m.Words[w] = binary.LittleEndian.Uint64(body)
		body = body[wordBytes:]
	}
	if len(body) > 0 {
		var last [wordBytes]byte
		copy(last[:], body)
		m.Words[w] = binary.LittleEndian.Uint64(last[:])
		w++
	}
	clear(m.Words[w:]) // not for the peer
}

// appendBody appends the part of the body that a line has. m.Len must be at
// least wordBytes.
func appendBody(b []byte, m *urpc.Message) []byte {
	n := int(m.Len) - wordBytes
	if n == 0 {
		return b
	}
	for _, w := range m.Words[1:] {
		b = binary.LittleEndian.AppendUint64(b, w)
		if n -= wordBytes; n <= 0 {
			return b[:len(b)+n]
		}
	}
	return b
}

// line is a received line, taken apart.
type line struct {
	kind   kind
	method uint16
	id     id
	n      int // size of the body, or where in it this part lies
	part   int // bytes of the body in this line
}

// parse takes m apart. A line without a first word, or of no kind, is not one of
// a correct peer.
func parse(m *urpc.Message) (l line, ok bool) {
	l = line{
		kind:   kind(m.Type >> kindShift),
		method: m.Type & methodMask,
		id:     id(m.Words[0]),
		n:      int(m.Words[0] >> 32),
		part:   int(m.Len) - wordBytes,
	}
	return l, l.part >= 0 && l.kind != 0 && l.kind < kindEnd
}
