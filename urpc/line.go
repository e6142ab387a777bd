package urpc

// Sizes of the format, in bytes unless said.
const (
	LineSize   = 64 // one cache line
	WordCount  = 7  // payload words per line
	MaxPayload = 56 // WordCount words
	MinLines   = 16 // of a ring
	MaxLines   = 16384
)

// Message types from TypeReserved up belong to the package; a program's own are
// below it.
const (
	TypeReserved = 0xFF00
	typeClose    = 0xFFFF // last line of a ring, or of a call line; length 0
)

// Line is one message in shared memory. In a ring its only writer is the
// sender; in a call line client and server write in turns (call.go).
type Line struct {
	words  [WordCount]uint64 // payload, little endian
	header uint64            // written last, by storeRelease; pairs with the receiver's atomic load
}

// A header is, from bit 0: sequence 32, type 16, length 8, epoch 8.
const (
	typeShift   = 32
	lengthShift = 48
	epochShift  = 56

	seqMask   = 1<<typeShift - 1
	epochMask = 0xFF << epochShift
)

// makeHeader packs a header. epoch is already shifted to its place.
func makeHeader(epoch uint64, length uint8, typ uint16, seq uint32) uint64 {
	return epoch | uint64(length)<<lengthShift | uint64(typ)<<typeShift | uint64(seq)
}

func headerType(h uint64) uint16  { return uint16(h >> typeShift) }
func headerLength(h uint64) uint8 { return uint8(h >> lengthShift) }

// wellFormed reports whether length and type are ones a program's message has.
func wellFormed(length uint8, typ uint16) bool {
	return length <= MaxPayload && typ < TypeReserved
}
