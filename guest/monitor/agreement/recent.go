package agreement

import (
	"hash/maphash"
	"sync/atomic"
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
