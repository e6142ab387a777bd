package gdb

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// maxPacket is how long a packet's contents may be, as gdb is told.
const maxPacket = 16 << 10

// interruptByte is what gdb sends, outside of packets, to stop the cores.
const interruptByte = 0x03

// input is one thing that gdb sent.
type input struct {
	data      []byte // of a packet, unescaped
	interrupt bool   // no packet, but a wish to stop
	broken    bool   // a packet whose checksum is wrong
	resend    bool   // the last answer did not arrive
}

// scan reads the next input. Acknowledgements are passed over.
func scan(r *bufio.Reader) (input, error) {
	for {
		c, err := r.ReadByte()
		switch {
		case err != nil:
			return input{}, err
		case c == '$':
			return scanPacket(r)
		case c == '-':
			return input{resend: true}, nil
		case c == interruptByte:
			return input{interrupt: true}, nil
		case c != '+':
			return input{}, fmt.Errorf("%w: byte %#x between packets: connect gdb by 'target remote'", ErrProtocol, c)
		}
	}
}

// scanPacket reads "contents#checksum".
func scanPacket(r *bufio.Reader) (input, error) {
	var data []byte
	var sum byte
	escaped := false
	for {
		c, err := r.ReadByte()
		if err != nil {
			return input{}, err
		}
		if c == '#' {
			break
		}
		sum += c
		switch {
		case escaped:
			data, escaped = append(data, c^0x20), false
		case c == '}':
			escaped = true
		default:
			data = append(data, c)
		}
		if len(data) > maxPacket {
			return input{}, fmt.Errorf("%w: a packet of more than %d bytes", ErrProtocol, maxPacket)
		}
	}
	var digits [2]byte
	if _, err := io.ReadFull(r, digits[:]); err != nil {
		return input{}, err
	}
	high, ok1 := digit(digits[0])
	low, ok2 := digit(digits[1])
	return input{data: data, broken: !ok1 || !ok2 || high<<4|low != sum}, nil
}

// frame makes the packet of contents.
func frame(contents []byte) []byte {
	var b bytes.Buffer
	b.WriteByte('$')
	for _, c := range contents {
		if c == '#' || c == '$' || c == '}' || c == '*' {
			b.WriteByte('}')
			c ^= 0x20
		}
		b.WriteByte(c)
	}
	var sum byte
	for _, c := range b.Bytes()[1:] {
		sum += c
	}
	fmt.Fprintf(&b, "#%02x", sum)
	return b.Bytes()
}

// digit reads a hexadecimal digit.
func digit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
