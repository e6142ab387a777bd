//go:build !race

package urpc

// The inner loops of the batches. Leaf functions: no stack beyond their
// arguments, no allocation, any interrupt flag, XMM registers but no wider ones
// (a wide one costs a state transition at every call).

// storeLines writes up to n messages into consecutive lines, headers last, with
// sequences from seq on (wrapping) and an epoch shifted to its place. It stops at
// a message that is not well formed and returns the number written. It fetches
// lines for writing ahead of their turn, up to the free ones.
//
//go:noescape
func storeLines(lines *Line, msgs *Message, n uint64, epoch uint64, seq uint32, free uint64) (done uint64)

// loadLines copies up to n consecutive lines into messages. It loads each header
// once, before the payload, stops at the first that is not the well-formed
// message of its sequence and epoch, and returns the number copied.
//
//go:noescape
func loadLines(msgs *Message, lines *Line, n uint64, epoch uint64, seq uint32) (done uint64)
