package urpc

import "sync/atomic"

// BroadcastLines is the length of a broadcast ring. Its lines and the writer's
// control block fill one page.
const BroadcastLines = 32

// broadcastRing is where the ring begins in the page.
const broadcastRing = pageSize - BroadcastLines*LineSize

// Broadcast is the page of a broadcast that its writer writes:
//
//	0     Tx: control of the ring
//	2048  Ring
type Broadcast struct {
	Tx   *Control
	Ring []Line
}

// BroadcastOf views a page as a broadcast. It fails with ErrLayout as LinesOf
// does.
func BroadcastOf(page []byte) (b Broadcast, err error) {
	if b.Tx, err = ControlOf(page); err != nil {
		return b, err
	}
	b.Ring, err = LinesOf(page[min(broadcastRing, len(page)):], BroadcastLines)
	return b, err
}

// Used reports whether anything was sent.
func (b Broadcast) Used() bool { return atomic.LoadUint64(&b.Ring[0].header) != 0 }
