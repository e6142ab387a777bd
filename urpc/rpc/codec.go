package rpc

import "encoding/binary"

// What stubs encode with: little endian, without padding, names or types. Bool is
// one byte, 0 or 1; numbers have their size, int and uint 8 bytes; strings and
// slices are their length in 4 bytes and their elements; arrays and structs are
// their elements and fields in order.

// AppendBool appends a bool.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// AppendLen appends the length of a slice, whose elements follow.
func AppendLen(b []byte, n int) []byte { return binary.LittleEndian.AppendUint32(b, uint32(n)) }

// AppendString appends a string.
func AppendString(b []byte, v string) []byte { return append(AppendLen(b, len(v)), v...) }

// AppendBytes appends a slice of bytes.
func AppendBytes(b, v []byte) []byte { return append(AppendLen(b, len(v)), v...) }

// Decoder takes what was appended from the front of a slice. Once something is
// wrong all values are zero, and End says so.
type Decoder struct {
	b   []byte
	bad bool
}

// Decode makes a Decoder of b.
func Decode(b []byte) Decoder { return Decoder{b: b} }

// next returns the next n bytes, nil if there are fewer.
func (d *Decoder) next(n int) []byte {
	if n > len(d.b) {
		d.b, d.bad = nil, true
		return nil
	}
	v := d.b[:n:n]
	d.b = d.b[n:]
	return v
}

// Bool takes a bool.
func (d *Decoder) Bool() bool {
	v := d.Uint8()
	if v > 1 {
		d.b, d.bad = nil, true
	}
	return v == 1
}

// Uint8 takes a number of one byte.
func (d *Decoder) Uint8() uint8 {
	if b := d.next(1); b != nil {
		return b[0]
	}
	return 0
}

// Uint16 takes a number of two bytes.
func (d *Decoder) Uint16() uint16 {
	if b := d.next(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

// Uint32 takes a number of four bytes.
func (d *Decoder) Uint32() uint32 {
	if b := d.next(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// Uint64 takes a number of eight bytes.
func (d *Decoder) Uint64() uint64 {
	if b := d.next(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Len takes the length of a slice whose elements have at least size bytes each,
// size being 1 or more. It is never more than there are bytes for, so that it is
// safe to allocate as many elements.
func (d *Decoder) Len(size int) int {
	n := int(d.Uint32())
	if n > len(d.b)/size {
		d.b, d.bad = nil, true
		return 0
	}
	return n
}

// Fill takes as many bytes as v has.
func (d *Decoder) Fill(v []byte) { copy(v, d.next(len(v))) }

// String takes a string.
func (d *Decoder) String() string { return string(d.next(d.Len(1))) }

// Bytes takes a copy of a slice of bytes, nil if it is empty.
func (d *Decoder) Bytes() []byte { return append([]byte(nil), d.next(d.Len(1))...) }

// End returns ErrDecode if anything was wrong, or is left.
func (d *Decoder) End() error {
	if d.bad || len(d.b) > 0 {
		return ErrDecode
	}
	return nil
}
