package numbers

import "encoding/binary"

// Text reads numbers and texts off a string. What it returns are parts of that: it copies
// nothing.
type Text struct {
	Rest string // what is not read yet
	Bad  bool   // Rest ended in the middle of something, or a number had more than 64 bits
}

// Number returns the next number, as binary.AppendUvarint writes it. Once the reader is Bad
// it is 0.
func (t *Text) Number() (v uint64) {
	for i := 0; i < len(t.Rest) && i < binary.MaxVarintLen64; i++ {
		b := t.Rest[i]
		if i == binary.MaxVarintLen64-1 && b > 1 {
			break
		}
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			t.Rest = t.Rest[i+1:]
			return v
		}
	}
	t.fail()
	return 0
}

// Text returns the next text, as AppendText writes it. Once the reader is Bad it is "".
func (t *Text) Text() string {
	n := t.Number()
	if n > uint64(len(t.Rest)) {
		t.fail()
		return ""
	}
	s := t.Rest[:n]
	t.Rest = t.Rest[n:]
	return s
}

func (t *Text) fail() { t.Bad, t.Rest = true, "" }

// AppendText writes a text behind its length.
func AppendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
