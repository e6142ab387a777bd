package urpc

import (
	"slices"
	"sync/atomic"
)

// BuryBroadcaster closes the broadcast of a dead core. members are the control
// blocks of all living cores for it, of those that are no members too. As in
// BurySide, nothing that the dead core wrote is trusted, so the mark goes where
// each member will look, not where the dead core says that its messages end.
//
// A member may move on meanwhile: it stores its acknowledgement, fences, and looks
// at line and state before it parks, while this side stores those, fences, and
// looks at the acknowledgements again. The rounds end because a dead core sends
// nothing more; their bound is for a member that invents acknowledgements.
func BuryBroadcaster(dead Broadcast, members []*Control, epoch uint8) {
	e := uint64(epoch) << epochShift
	var before, after []uint64
	for range len(members)*len(dead.Ring) + 1 {
		before = acks(before[:0], members)
		for _, from := range before {
			buryFrom(dead, from, e)
		}
		if atomic.LoadUint64(&dead.Tx.state) == 0 { // nobody listened
			publish(&dead.Tx.state, closedWord(e))
		}
		fence()
		if after = acks(after[:0], members); slices.Equal(before, after) {
			return
		}
	}
}

// acks appends how many lines each member has acknowledged.
func acks(list []uint64, members []*Control) []uint64 {
	for _, c := range members {
		list = append(list, atomic.LoadUint64(&c.ack)&^ackClosed)
	}
	return list
}

// buryFrom closes the ring for a core that has acknowledged the lines before from.
// One that is no member has acknowledged none; it is told apart a lap later, when
// the line that it would wait for holds a later message, or the mark where the
// members' messages end. That one must stay, for those that are members.
func buryFrom(dead Broadcast, from, epoch uint64) {
	sent := finished(dead.Ring, from, epoch)
	h := atomic.LoadUint64(&dead.Ring[sent&uint64(len(dead.Ring)-1)].header)
	meant := isMessage(h) || headerType(h) == typeClose
	if h&epochMask == epoch && meant && int32(uint32(h)-uint32(sent)-1) > 0 {
		return // a member that waited for this line sees that it has changed
	}
	endRing(dead.Ring, dead.Tx, sent, epoch)
}

// BuryListener closes the control block by which a dead core acknowledged the
// lines of a broadcast. The writer may wait for its ack word to change.
func BuryListener(dead *Control, epoch uint8) {
	if atomic.LoadUint64(&dead.state) == 0 {
		publish(&dead.state, closedWord(uint64(epoch)<<epochShift))
	}
	publish(&dead.ack, atomic.LoadUint64(&dead.ack)|ackClosed)
	fence()
}
