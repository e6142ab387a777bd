package region

import (
	"fmt"
	"iter"
	"sync/atomic"

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
		peers := v.places(to, from)
		for i, e := range v.Opened(from, to) {
			own, peer, err := v.EntrySides(from, to, e)
			if err == nil && peers[e.atPeer()] && !yield(Direction{from, to, fmt.Sprintf("opened %d", i), own.Stats, peer.Stats}) {
				return
			}
		}
	}
}

// Closed returns how many messages core from sent to core to over channels that it has
// closed again, and how many that one received over those that it has closed. Of a
// channel that one of them alone has closed, as where the other died, the other's count
// counts here too: there is no line for it among Directions.
func (v *View) Closed(from, to int) (sent, received uint64) {
	sent, received = v.Totals(from, to).Sent.Load(), v.Totals(to, from).Received.Load()
	for s := range v.alone(from, to) {
		sent += atomic.LoadUint64(&s.Send.Messages)
	}
	for s := range v.alone(to, from) {
		received += atomic.LoadUint64(&s.Recv.Messages)
	}
	return sent, received
}

// alone yields what core from counts of channels that core to has not open any more.
func (v *View) alone(from, to int) iter.Seq[*urpc.Stats] {
	return func(yield func(*urpc.Stats) bool) {
		peers := v.places(to, from)
		for _, e := range v.Opened(from, to) {
			own, err := v.PoolSide(from, to, e.Page, e.Lines)
			if err == nil && !peers[e.atPeer()] && !yield(own.Stats) {
				return
			}
		}
	}
}

// place is where a side of an open channel begins in a pool, and the channel's epoch.
type place struct {
	page  int
	epoch uint8
}

// atPeer is where the other side is; page -1 where that is not known yet.
func (e Entry) atPeer() place {
	if !e.Open {
		return place{-1, e.Epoch}
	}
	return place{e.PeerPage, e.Epoch}
}

// places are those of all sides that core from has in its pool towards core to.
func (v *View) places(from, to int) map[place]bool {
	all := map[place]bool{}
	for _, e := range v.Opened(from, to) {
		all[place{e.Page, e.Epoch}] = true
	}
	return all
}
