package urpc

import "sync/atomic"

// Bell wakes the core at the other end. One Bell serves all channels from this
// core to that one, so that a sleep costs one doorbell however many messages
// arrive; it may be used by several goroutines.
type Bell struct {
	// Asleep is the other core's word (asleep.go); its only writer is that core.
	Asleep *uint64
	// Ring interrupts the other core. It must not block, and a ring that finds
	// the core awake must be harmless.
	Ring func()

	rung uint64 // generation rung last; private, by sync/atomic
}

// Wake rings if the other core sleeps and was not rung in this sleep, and says so. Call it
// after the store that the other core may wait for: the fence keeps the load of
// the asleep word behind that store. A peer that invents generations costs
// itself interrupts and us one doorbell per Wake, no more. A nil Bell, or one
// without an Asleep word, is for peers that poll for ever: it only fences.
func (b *Bell) Wake() (rang bool) {
	fence() // also what the close of a call line relies on (call.go)
	return b.look()
}

// look is Wake without the fence, for a caller that fenced for several bells.
func (b *Bell) look() (rang bool) {
	if b == nil || b.Asleep == nil {
		return false
	}
	g := atomic.LoadUint64(b.Asleep)
	if IsAsleep(g) {
		return b.ring(g)
	}
	return false
}

// ring rings once for generation g. Whoever wins the exchange rings; the others
// rely on it.
func (b *Bell) ring(g uint64) (rang bool) {
	rung := atomic.LoadUint64(&b.rung)
	if rung != g && atomic.CompareAndSwapUint64(&b.rung, rung, g) {
		b.Ring()
		return true
	}
	return false
}
