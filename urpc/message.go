package urpc

import "encoding/binary"

// Message is the private copy of one line. All seven words are carried, whatever
// Len says: clear what the peer must not see.
type Message struct {
	Words [WordCount]uint64 // payload; byte i is bits 8*(i%8) of word i/8
	Type  uint16            // the program's, below TypeReserved
	Len   uint8             // payload bytes that count, at most MaxPayload
}

// SetBytes makes b the payload, padded with zeroes to a whole word, and sets
// Len. Words behind it keep their value. It fails with ErrMessage if b is longer
// than MaxPayload bytes.
func (m *Message) SetBytes(b []byte) error {
	if len(b) > MaxPayload {
		return ErrMessage
	}
	m.Len = uint8(len(b))
	i := 0
	for ; len(b) >= 8; i++ {
		m.Words[i] = binary.LittleEndian.Uint64(b)
		b = b[8:]
	}
	if len(b) > 0 {
		var last [8]byte
		copy(last[:], b)
		m.Words[i] = binary.LittleEndian.Uint64(last[:])
	}
	return nil
}

// AppendTo appends the Len payload bytes to b. A Len above MaxPayload counts as
// MaxPayload.
func (m *Message) AppendTo(b []byte) []byte {
	n := min(int(m.Len), MaxPayload)
	for _, w := range m.Words {
		if n < 8 {
			var last [8]byte
			binary.LittleEndian.PutUint64(last[:], w)
			return append(b, last[:n]...)
		}
		b = binary.LittleEndian.AppendUint64(b, w)
		n -= 8
	}
	return b
}
