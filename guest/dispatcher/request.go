package dispatcher

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"barreleye/urpc"
)

// Messages between a domain's home and the cores that it spans to. Names and texts are bytes
// of the words from the second on, ended by zeroes.
//
//	typeBegin  home -> core  word 0: share, priority << 32; words 1-4: name
//	typeBegun  core -> home  word 0: code; words 1-6: text of an error
//	typeEnd    home -> core  nothing
//	typeEnd    core -> home  as typeBegun: why it ended
const (
	typeBegin = 1
	typeBegun = 2
	typeEnd   = 3
)

// Codes of errors; the other ones are told by their text alone.
const (
	codeOK = iota
	codeOther
	codeDomain
	codeRunning
	codeRoom
	codeOptions
	codeFault
)

var codes = map[uint64]error{
	codeDomain: ErrDomain, codeRunning: ErrRunning, codeRoom: ErrRoom, codeOptions: ErrOptions, codeFault: ErrFault,
}

var errRequest = errors.New("not a request of package dispatcher")

func beginMessage(m *Domain) urpc.Message {
	r := urpc.Message{Type: typeBegin, Len: urpc.MaxPayload}
	r.Words[0] = uint64(m.opt.Share) | uint64(m.opt.Priority)<<32
	putText(&r, m.name)
	return r
}

// requestOf is the inverse. Another core may have written anything.
func requestOf(m *urpc.Message) (name string, o Options, err error) {
	name = text(m)
	if m.Type != typeBegin || m.Len != urpc.MaxPayload || name == "" || len(name) > MaxName {
		return "", o, errRequest
	}
	return name, Options{Share: int(uint32(m.Words[0])), Priority: int(m.Words[0] >> 32)}, nil
}

// messageOf tells an error, or that there is none.
func messageOf(kind uint16, err error) urpc.Message {
	m := urpc.Message{Type: kind, Len: urpc.MaxPayload}
	if err == nil {
		return m
	}
	m.Words[0] = codeOther
	for code, is := range codes {
		if errors.Is(err, is) {
			m.Words[0] = code
		}
	}
	putText(&m, err.Error())
	return m
}

// errorOf is the inverse.
func errorOf(m *urpc.Message) error {
	switch code := m.Words[0]; {
	case m.Type != typeBegun && m.Type != typeEnd || m.Len != urpc.MaxPayload:
		return errRequest
	case code == codeOK:
		return nil
	case codes[code] != nil:
		return fmt.Errorf("%w: %s", codes[code], text(m))
	default:
		return errors.New(text(m))
	}
}

func putText(m *urpc.Message, s string) {
	var b [6 * 8]byte
	copy(b[:], s)
	for i := range 6 {
		m.Words[i+1] = binary.LittleEndian.Uint64(b[i*8:])
	}
}

func text(m *urpc.Message) string {
	var b []byte
	for _, w := range m.Words[1:] {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
