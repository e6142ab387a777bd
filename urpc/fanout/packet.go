package fanout

import (
	"fmt"

	"barreleye/urpc"
)

// Limits of the protocol.
const (
	MaxPayload = 48 // bytes of a message or an answer: the line's last word is the protocol's
	Window     = 8  // operations in flight in one group
)

// Kind says what a packet is.
type Kind uint8

// Kinds of packets.
const (
	KindRequest Kind = 1 + iota // to a member: take part in an operation
	KindReply                   // from a member: its part, and that of those below it
	KindLost                    // from a member, before its reply: cores lost below it
	KindEnd                     // to a member: no request follows
)

// Packet is what group and members send each other.
type Packet struct {
	Kind Kind
	Op   uint64 // number of the operation, from 0 on
	// Message is the program's; word 6 is not part of it. In a KindLost its payload
	// are core numbers of two bytes.
	Message urpc.Message
}

// Word 6 of a line: kind in the highest byte, below it the operation.
const (
	protocolWord = urpc.WordCount - 1
	kindShift    = 56
	opMask       = 1<<kindShift - 1
)

// encode makes the packet a line.
func (p *Packet) encode() urpc.Message {
	m := p.Message
	m.Words[protocolWord] = uint64(p.Kind)<<kindShift | p.Op&opMask
	return m
}

// decode reads a line that another core wrote: anything at all. It fails with
// urpc.ErrCorrupt.
func (p *Packet) decode(m *urpc.Message) error {
	w := m.Words[protocolWord]
	p.Kind, p.Op, p.Message = Kind(w>>kindShift), w&opMask, *m
	p.Message.Words[protocolWord] = 0
	if p.Kind < KindRequest || p.Kind > KindEnd || m.Len > MaxPayload || p.Kind == KindLost && m.Len%coreBytes != 0 {
		return fmt.Errorf("fanout: kind %d of %d bytes: %w", p.Kind, m.Len, urpc.ErrCorrupt)
	}
	return nil
}

// Core numbers in a KindLost.
const (
	coreBytes   = 2
	coresPerMsg = MaxPayload / coreBytes
	maxCore     = 1<<(8*coreBytes) - 1
)

// lostPacket names up to coresPerMsg cores.
func lostPacket(op uint64, cores []int) Packet {
	p := Packet{Kind: KindLost, Op: op}
	p.Message.Len = uint8(len(cores) * coreBytes)
	for i, c := range cores {
		p.Message.Words[i/4] |= uint64(c) << (16 * (i % 4))
	}
	return p
}

// lostCores returns how many cores the packet names, lostCore one of them.
func (p *Packet) lostCores() int { return int(p.Message.Len) / coreBytes }

func (p *Packet) lostCore(i int) int {
	return int(uint16(p.Message.Words[i/4] >> (16 * (i % 4))))
}
