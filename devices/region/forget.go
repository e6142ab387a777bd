package region

import (
	"sync/atomic"

	"barreleye/devices/layout"
	"barreleye/urpc"
)

// Forget wipes out what a core alone wrote for another one, whose life has ended, so that
// the pair's next channels begin on zeroed memory. What was counted there goes into the
// Totals. The core itself calls it, and touches nothing of that any more. What it wrote
// into its pool towards the other, package bind keeps the books of; its directory holds
// nothing by then.
func (v *View) Forget(core, of int) {
	totals := v.Totals(core, of)
	for _, kind := range Channels {
		side, err := v.OpenSide(kind, core, of)
		if err != nil {
			continue // the geometry is what the VMM made it
		}
		sent := atomic.LoadUint64(&side.Stats.Send.Messages)
		if sent != 0 {
			totals.Sent.Add(sent)
		}
		if n := atomic.LoadUint64(&side.Stats.Recv.Messages); n != 0 {
			totals.Received.Add(n)
		}
		for i := range side.Ring { // what was never written stays untouched
			if uint64(i) > sent && side.Ring[i] == (urpc.Line{}) {
				break
			}
			side.Ring[i] = urpc.Line{}
		}
		if mem, err := urpc.MemoryAt(v.Side(kind, core, of), sideHead); err == nil {
			clear(mem)
		}
	}
	if ack, err := urpc.MemoryAt(v.AckArea(core, of), urpc.LineSize); err == nil {
		clear(ack)
	}
}

// sideHead is what stands in front of a side's ring, with the control blocks of calls.
const sideHead = layout.PageSize
