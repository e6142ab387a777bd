package urpc

import "sync/atomic"

// endRing ends a ring after next messages: by its writer, or, once that one does
// not run any more, in its place. A writer that died inside its own Close has left
// a state word that says closed, and perhaps no mark: that is written in any case.
// The writer's limit keeps one line free for it, so a receiver that waits needs to
// watch nothing but the next header. The caller fences and wakes.
func endRing(ring []Line, own *Control, next, epoch uint64) {
	if atomic.LoadUint64(&own.state) == 0 {
		publish(&own.sent, next)
		publish(&own.state, closedWord(epoch))
	}
	l := &ring[next&uint64(len(ring)-1)]
	publish(&l.header, makeHeader(epoch, 0, typeClose, uint32(next)+1))
}
