package bind

import (
	"encoding/binary"
	"fmt"

	"barreleye/urpc"
)

// MessageType is the type of a line that carries a message of this protocol; the
// kind is in the line.
const MessageType = 0x0100

// MaxService is how long the name of a service can be, in bytes: it fits the line.
const MaxService = urpc.MaxPayload - nameAt

const nameAt = 16

// Kinds of messages.
const (
	kindRequest = 1 + iota // open a channel to the service
	kindAccept             // it is open
	kindRefuse             // it is not, for a reason
	kindDone               // the sender touches the receiver's side no more
)

// message is one line. Slot and gen name the channel: the dialer's place in its
// directory, and how often that was taken before.
type message struct {
	kind int
	mine bool // kindDone: the sender dialed
	wait bool // kindRequest: until somebody listens
	slot int
	gen  uint32

	// kindRequest and kindAccept: the sender's side
	page, lines int
	// kindRequest
	peerLines, profile int
	epoch              uint8
	service            string
	// kindRefuse
	reason int
}

// Word 0, from bit 0: kind 8, mine 1, wait 1, zero 6, slot 16, gen 32. Word 1: page 32,
// log2 of lines 8, log2 of peerLines 5, profile 3, epoch 8, zero 8; or the reason. From
// word 2 on: the service, whose length is the line's less 16.
func (m *message) encode() (l urpc.Message) {
	l.Type, l.Len = MessageType, nameAt
	l.Words[0] = uint64(m.kind) | bit(m.mine)<<8 | bit(m.wait)<<9 | uint64(m.slot)<<16 | uint64(m.gen)<<32
	switch m.kind {
	case kindRefuse:
		l.Words[1] = uint64(m.reason)
	case kindRequest, kindAccept:
		l.Words[1] = uint64(uint32(m.page)) | log2(m.lines)<<32 | log2(m.peerLines)<<40 | uint64(m.profile)<<45 | uint64(m.epoch)<<48
		var name [MaxService]byte
		l.Len += uint8(copy(name[:], m.service))
		for i := range l.Words[2:] {
			l.Words[2+i] = binary.LittleEndian.Uint64(name[8*i:])
		}
	}
	return l
}

// decode reads a line. It fails with ErrProtocol where no machine wrote it; what
// depends on this core's state is checked by the machine.
func (m *message) decode(l *urpc.Message) error {
	w := l.Words[:]
	*m = message{kind: int(uint8(w[0])), mine: w[0]>>8&1 != 0, wait: w[0]>>9&1 != 0, slot: int(uint16(w[0] >> 16)), gen: uint32(w[0] >> 32)}
	ok := l.Type == MessageType && l.Len >= nameAt && l.Len <= urpc.MaxPayload && w[0]>>10&0x3f == 0
	switch m.kind {
	case kindRequest, kindAccept:
		m.page, m.epoch = int(uint32(w[1])), uint8(w[1]>>48)
		m.lines, m.peerLines, m.profile = 1<<(w[1]>>32&0xff%32), 1<<(w[1]>>40&0x1f), int(w[1]>>45&7)
		var name [MaxService]byte
		for i, word := range w[2:] {
			binary.LittleEndian.PutUint64(name[8*i:], word)
		}
		if ok {
			m.service = string(name[:l.Len-nameAt])
		}
		ok = ok && w[1]>>56 == 0 && w[1]>>32&0xff < 32 && (m.service != "") == (m.kind == kindRequest)
	case kindRefuse:
		ok = ok && w[1] > 0 && w[1] < uint64(len(reasons)) && l.Len == nameAt
		m.reason = int(w[1] % uint64(len(reasons)))
	case kindDone:
		ok = ok && l.Len == nameAt && w[1] == 0
	default:
		ok = false
	}
	if !ok {
		return fmt.Errorf("line of type %#x, length %d, words %x: %w", l.Type, l.Len, w, ErrProtocol)
	}
	return nil
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// log2 of a power of two; 0 of 0.
func log2(n int) (l uint64) {
	for ; n > 1; n >>= 1 {
		l++
	}
	return l
}
