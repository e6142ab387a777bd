package pages

import (
	"fmt"

	"barreleye/urpc"
)

// kind says what a line means for the pages that it names. It is the message's
// type.
type kind uint16

const (
	kindHand  kind = 1 + iota // they are the receiver's, with contents
	kindHome                  // they are free at the receiver, whose they were at first
	kindGrant                 // the receiver may use them: pages of the sender's pool with core other
	kindBack                  // a grant ends; they come back with contents
	kindDrop                  // a grant ends; they come back free
)

// line is a message of the protocol. Each names one run.
type line struct {
	kind       kind
	run        run
	size       uint64 // bytes that count from the run's first; kindHand, kindGrant, kindBack
	generation uint64 // number of the line in its direction, from 1 on
	tag        uint64 // the program's; where size is
	other      uint64 // kindGrant, kindBack, kindDrop: whose pool with the granting core it is
}

const (
	lineBytes = 40
	lineWords = lineBytes / 8
)

// encode writes l into m, all words of it.
func (l *line) encode(m *urpc.Message) {
	*m = urpc.Message{Type: uint16(l.kind), Len: lineBytes, Words: [urpc.WordCount]uint64{
		uint64(l.run.first) | uint64(l.run.count)<<32, l.size, l.generation, l.tag, l.other,
	}}
}

// decode reads what a peer sent, and checks all that needs no knowledge of a pool.
func (l *line) decode(m *urpc.Message) error {
	*l = line{
		kind: kind(m.Type), run: run{uint32(m.Words[0]), uint32(m.Words[0] >> 32)},
		size: m.Words[1], generation: m.Words[2], tag: m.Words[3], other: m.Words[4],
	}
	for _, w := range m.Words[lineWords:] {
		if w != 0 {
			return l.wrong("words that mean nothing")
		}
	}
	switch {
	case m.Len != lineBytes || l.kind < kindHand || l.kind > kindDrop:
		return l.wrong("no such line")
	case l.run.count == 0 || l.run.end() <= l.run.first:
		return l.wrong("no pages")
	case l.size > uint64(l.run.count)*PageSize:
		return l.wrong("longer than its pages")
	case l.kind < kindGrant && l.other != 0:
		return l.wrong("a pool where there is but one")
	case (l.kind == kindHome || l.kind == kindDrop) && (l.size != 0 || l.tag != 0):
		return l.wrong("contents of free pages")
	}
	return nil
}

// wrong is an error that wraps urpc.ErrCorrupt.
func (l *line) wrong(what string) error {
	return fmt.Errorf("line %d of kind %d for %d pages from page %d: %s: %w",
		l.generation, l.kind, l.run.count, l.run.first, what, urpc.ErrCorrupt)
}
