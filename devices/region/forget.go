package region

import (
	"sync/atomic"

	"barreleye/urpc"
)

// Forget wipes out what a core alone wrote for another one, whose life has ended, so that
// the pair's next channels begin on zeroed memory. What was counted there stays until
// Recount, because a run may be over before there are any. The core itself calls it, and
// touches nothing of that any more. What it wrote into its pool towards the other, package
// bind keeps the books of; its directory holds nothing by then.
func (v *View) Forget(core, of int) {
	for _, kind := range Channels {
		side, err := v.OpenSide(kind, core, of)
		if err != nil {
			continue // the geometry is what the VMM made it
		}
		sent := atomic.LoadUint64(&side.Stats.Send.Messages)
		for i := range side.Ring { // what was never written stays untouched
			if uint64(i) > sent && side.Ring[i] == (urpc.Line{}) {
				break
			}
			side.Ring[i] = urpc.Line{}
		}
		*side.Tx, *side.Rx = urpc.Control{}, urpc.Control{}
	}
	asks, e1 := v.OpenCall(core, of)
	serves, e2 := v.OpenCall(of, core)
	if e1 == nil && e2 == nil {
		*asks.Client, *serves.Server = urpc.Control{}, urpc.Control{}
	}
	if ack, err := urpc.MemoryAt(v.AckArea(core, of), urpc.LineSize); err == nil {
		clear(ack)
	}
}

// Recount moves what a core has counted of its channels with an ended life of another
// one into the Totals, so that the counts of the channels with the next life begin at 0.
// The core itself calls it, before it makes ends to that life.
func (v *View) Recount(core, of int) {
	totals := v.Totals(core, of)
	for _, kind := range Channels {
		side, err := v.OpenSide(kind, core, of)
		if err != nil {
			continue
		}
		totals.Add(side.Stats)
		*side.Stats = urpc.Stats{}
	}
}

// Add counts a channel that is over.
func (t *Totals) Add(s *urpc.Stats) {
	t.Sent.Add(atomic.LoadUint64(&s.Send.Messages))
	t.Received.Add(atomic.LoadUint64(&s.Recv.Messages))
}
