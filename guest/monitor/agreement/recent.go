package agreement

import (
	"hash/maphash"
	"slices"
	"sync/atomic"

	"barreleye/urpc"
)

// Recent are operations made lately: one that is made again, as a lock is taken and given back
// again and again, takes no new memory. Any goroutine may use it.
type Recent [256]atomic.Pointer[Op]

var recentSeed = maphash.MakeSeed() // what is found does not depend on it

// Op returns the operation of some bytes.
func (r *Recent) Op(b []byte) Op {
	p := &r[maphash.Bytes(recentSeed, b)%uint64(len(r))]
	if op := p.Load(); op != nil && string(*op) == string(b) {
		return *op
	}
	op := Op(b)
	p.Store(&op)
	return op
}

// lineWords is how many words of an operation fit into the first line.
const lineWords = urpc.WordCount - headWords

// recentLines are operations that came lately in one line, by its words: bytes that were just
// put together cannot be compared before they have left the store buffer.
type recentLines [1 << lineBits]struct {
	size  int
	words [lineWords]uint64
	op    Op
}

const lineBits = 6

// op returns the operation of so many bytes in words, lineWords at most.
func (r *recentLines) op(words []uint64, size int) Op {
	words = words[:(size+7)/8]
	hash := (words[0] ^ (words[len(words)-1]+uint64(size))*0xc4ceb9fe1a85ec53) * 0x9e3779b97f4a7c15
	p := &r[hash>>(64-lineBits)]
	if p.size == size && slices.Equal(p.words[:len(words)], words) {
		return p.op
	}
	p.size, p.op = size, Op(take(nil, words, size))
	copy(p.words[:], words)
	return p.op
}
