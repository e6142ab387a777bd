package urpc

import "sync/atomic"

// The asleep word of a core: even while it runs, odd while it sleeps or is about
// to, and never the same odd value twice, so that a sender can ring once per
// sleep. Its only writer is the core itself. These functions are for the idle
// loop of the CPU driver: no allocation, no interface, no map, no write barrier.
//
// The idle loop must be, in this order:
//
//	PublishAsleep(w)        // store, full fence
//	look at every watched word once more
//	halt, unless something changed
//	ClearAsleep(w)
//	look at every watched word
//
// A sender stores its message, fences and then loads the word (Bell.Wake). Both
// sides store before they load with a fence between, so at least one of them
// sees the other: the sleeper the message, or the sender the odd word.

// PublishAsleep announces a new sleep and returns its generation (odd). It
// returns only after the announcement is visible to every core.
func PublishAsleep(w *uint64) uint64 {
	g := (atomic.LoadUint64(w) + 1) | 1
	publish(w, g)
	fence()
	return g
}

// ClearAsleep announces that the core looks at its words again by itself. A
// sender that still sees the odd value rings needlessly, which is harmless.
func ClearAsleep(w *uint64) {
	publish(w, (atomic.LoadUint64(w)+1)&^1)
}

// IsAsleep reports whether g, a value of an asleep word, says asleep.
func IsAsleep(g uint64) bool { return g&1 != 0 }
