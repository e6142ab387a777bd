package urpc

import "sync/atomic"

// BuryBulk is BurySide for a channel of the bulk profile: it closes dead, the side
// a dead core wrote, for the core at the other side. The peer gets every line that
// the dead core's index told of, and then ErrClosed; lines written after that index
// are not seen. Words that a correct core could not have written stay as they
// are but for the closed bits, so that the peer judges them.
func BuryBulk(dead Side, epoch uint8) {
	w := atomic.LoadUint64(&dead.Tx.index)
	if w == 0 {
		w = uint64(epoch) << epochShift
	}
	publish(&dead.Tx.index, w|indexClosed)
	publish(&dead.Rx.ack, atomic.LoadUint64(&dead.Rx.ack)|ackClosed)
	fence() // before the caller looks whether the peer sleeps
}
