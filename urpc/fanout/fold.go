package fanout

import "barreleye/urpc"

// Fold adds a member's answer to what others answered. It must not depend on the
// order: answers come as they come. Words 0 to 5 and Len are the program's.
type Fold func(sum, answer *urpc.Message)

// Sum adds word by word, Min keeps the smaller words, And their common bits and Or
// all bits.
func Sum(sum, answer *urpc.Message) {
	words(sum, answer, func(a, b uint64) uint64 { return a + b })
}

// Min keeps the smaller of each word.
func Min(sum, answer *urpc.Message) {
	words(sum, answer, func(a, b uint64) uint64 { return min(a, b) })
}

// And keeps the bits that all answers have.
func And(sum, answer *urpc.Message) {
	words(sum, answer, func(a, b uint64) uint64 { return a & b })
}

// Or keeps the bits that any answer has.
func Or(sum, answer *urpc.Message) {
	words(sum, answer, func(a, b uint64) uint64 { return a | b })
}

func words(sum, answer *urpc.Message, f func(a, b uint64) uint64) {
	for i := range MaxPayload / 8 {
		sum.Words[i] = f(sum.Words[i], answer.Words[i])
	}
	sum.Len = max(sum.Len, answer.Len)
}

// total is a fold under way.
type total struct {
	message urpc.Message
	any     bool
}

func (t *total) add(fold Fold, answer *urpc.Message) {
	if !t.any {
		t.message, t.any = *answer, true
		return
	}
	fold(&t.message, answer)
}
