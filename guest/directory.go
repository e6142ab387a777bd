package guest

import (
	"errors"
	"sync/atomic"

	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/urpc"
)

// What opening and closing channels does to this core's part of the region
// (monitor.Memory). All of it lies in the pools: package bind checked.

// Zero fills pages of the pool towards a peer with zeroes.
func (n *network) Zero(peer, page, pages int) {
	clear(n.view.PoolBytes(Core(), peer)[page*layout.PageSize:][:pages*layout.PageSize])
}

// Publish writes a place of the directory.
func (n *network) Publish(peer, slot int, e region.Entry) { n.view.SetEntry(Core(), peer, slot, e) }

// Clear frees a place of the directory; what went over the channel stays counted.
func (n *network) Clear(peer, slot int, e region.Entry) {
	n.view.ClearEntry(Core(), peer, slot)
	if own, err := n.view.PoolSide(Core(), peer, e.Page, e.Lines); err == nil {
		n.view.Totals(Core(), peer).Add(own.Stats)
	}
}

// HangUp closes a side on which no end was made.
func (n *network) HangUp(peer int, e region.Entry) {
	own, err := n.view.PoolSide(Core(), peer, e.Page, e.Lines)
	if err != nil {
		return
	}
	if e.Profile == region.ProfileBulk {
		urpc.BuryBulk(own, e.Epoch)
	} else {
		urpc.BurySide(own, urpc.Side{Rx: new(urpc.Control)}, e.Epoch)
	}
	n.bell(peer).Wake()
}

// monitorPolls is how often a monitor looks for a peer's answer before it sleeps.
func monitorPolls() int {
	if here.PollCycles() == 0 {
		return 0 // the CPU is shared: another core needs it more
	}
	return pollsAwake
}

// computes reports whether the program computes: the core has said that it sleeps, so that
// it is rung, and runs all the same (docs/explanation/busy.md).
func computes() bool { return urpc.IsAsleep(atomic.LoadUint64(&links.view.Block(Core()).Asleep)) }

// monitorEnd is a monitor's end of its channel to another one. Who sends and who receives
// do not wait for each other; the monitor does the polling (Channel).
type monitorEnd struct {
	*urpc.Sender
	*urpc.Receiver
}

// Detach gives the end memory of its own.
func (e *monitorEnd) Detach() {
	e.Sender.Detach()
	e.Receiver.Detach()
}

// monitorEnd makes the end to a peer, with mu held.
func (n *network) monitorEnd(core int) (*monitorEnd, error) {
	own, e1 := n.view.OpenSide(region.ChannelMonitor, Core(), core)
	other, e2 := n.view.OpenSide(region.ChannelMonitor, core, Core())
	if err := errors.Join(e1, e2); err != nil {
		return nil, err
	}
	link := n.peers[core].link
	link.Polls = -1
	s, r, err := urpc.NewHalves(own, other, link)
	return &monitorEnd{s, r}, err
}

// bell returns what wakes a peer.
func (n *network) bell(core int) *urpc.Bell {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.peers[core].link.Bell
}
