package region

import (
	"fmt"
	"iter"

	"barreleye/urpc"
)

// MonitorChannel is the name of the channels between the monitors.
const MonitorChannel = "monitor"

// CallChannel is that of the call lines.
const CallChannel = "call"

// Direction is what goes from one core to another over one channel, as both count
// it: the sender on its side, the receiver on its own.
type Direction struct {
	From, To int
	// Channel is what it is for: MonitorChannel, "program", "pages", CallChannel,
	// or "opened" with the number in the sender's directory.
	Channel  string
	Sender   *urpc.Stats
	Receiver *urpc.Stats
}

// Directions yields the directions of all channels from one core to another: those
// that are there from boot on, those that are open now, and the calls, which their
// client alone counts.
func (v *View) Directions(from, to int) iter.Seq[Direction] {
	return func(yield func(Direction) bool) {
		for kind, channel := range []string{ChannelMonitor: MonitorChannel, ChannelProgram: "program", ChannelPages: "pages"} {
			// a pair's memory is where the geometry says, in any multikernel
			own, e1 := v.OpenSide(kind, from, to)
			peer, e2 := v.OpenSide(kind, to, from)
			if e1 == nil && e2 == nil && !yield(Direction{from, to, channel, own.Stats, peer.Stats}) {
				return
			}
		}
		if calls, err := v.OpenCallStats(from, to); err == nil && !yield(Direction{from, to, CallChannel, calls, calls}) {
			return
		}
		for i, e := range v.Opened(from, to) {
			own, peer, err := v.EntrySides(from, to, e)
			if err == nil && e.Open && !yield(Direction{from, to, fmt.Sprintf("opened %d", i), own.Stats, peer.Stats}) {
				return
			}
		}
	}
}
