package urpc

import "sync/atomic"

// What a dead core owes its peers is done in its place by whoever made sure
// that it does not run any more (the VMM). Its peers then receive every message
// it had finished, and after that ErrClosed; a line it had begun is not seen.
// The caller wakes the peers' cores afterwards.

// BurySide closes dead, the side a dead core wrote of a duplex channel whose
// other side is peer. It trusts neither side's words. The core may have died inside
// its own Close, so that an end looks closed that still lacks what a peer waits
// for: the close mark and the bit in the ack word are written whatever state says.
func BurySide(dead, peer Side, epoch uint8) {
	e := uint64(epoch) << epochShift
	sent := finished(dead.Ring, atomic.LoadUint64(&peer.Rx.ack)&^ackClosed, e)
	endRing(dead.Ring, dead.Tx, sent, e)
	if atomic.LoadUint64(&dead.Rx.state) == 0 {
		publish(&dead.Rx.state, closedWord(e))
	}
	publish(&dead.Rx.ack, atomic.LoadUint64(&dead.Rx.ack)|ackClosed)
	fence() // before the caller looks whether the peer sleeps
}

// finished returns how many messages the ring's writer finished, of which the
// reader has acknowledged from.
func finished(ring []Line, from, epoch uint64) uint64 {
	n := from
	for n-from < uint64(len(ring)) {
		h := atomic.LoadUint64(&ring[n&uint64(len(ring)-1)].header)
		if h&epochMask != epoch || uint32(h) != uint32(n)+1 || !isMessage(h) {
			break
		}
		n++
	}
	return n
}

// BuryCall closes the end of a call line that a dead core held. own is its
// control block; client says which end it was. As in BurySide, a state word that
// says closed is no reason to stop.
func BuryCall(line *Line, own *Control, client bool, epoch uint8) {
	e := uint64(epoch) << epochShift
	if atomic.LoadUint64(&own.state) == 0 {
		publish(&own.state, closedWord(e))
	}
	fence()
	// an odd sequence is the server's turn, an even one the client's
	h := atomic.LoadUint64(&line.header)
	if odd := h&1 != 0; odd != client {
		publish(&line.header, makeHeader(e, 0, typeClose, uint32(h)+1))
	}
	fence()
}
