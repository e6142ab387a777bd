package region

import (
	"errors"
	"sync/atomic"

	"barreleye/devices/layout"
	"barreleye/urpc"
)

// OpenSide views all that core from writes for its channel with core to.
func (v *View) OpenSide(kind, from, to int) (urpc.Side, error) {
	lines := v.Lines(kind)
	mem, err := urpc.MemoryAt(v.Side(kind, from, to), urpc.SideBytes(lines))
	if err != nil {
		return urpc.Side{}, err
	}
	return urpc.SideOf(mem, lines)
}

// CoreSide views what a core writes for its channel with the VMM.
func (v *View) CoreSide(core int) (urpc.Side, error) { return v.vmmChannel(v.coreSidePage(core)) }

// VMMSide views what the VMM writes for its channel with a core.
func (v *View) VMMSide(core int) (urpc.Side, error) { return v.vmmChannel(v.vmmSidePage(core)) }

// VMMSpan is the run of pages of that side.
func (g Geometry) VMMSpan(core int) Span {
	return Span{g.vmmSidePage(core), SidePages(VMMLines), ReadWrite}
}

func (v *View) vmmChannel(page int) (urpc.Side, error) {
	mem, err := urpc.MemoryAt(v.addr(page), urpc.SideBytes(VMMLines))
	if err != nil {
		return urpc.Side{}, err
	}
	return urpc.SideOf(mem, VMMLines)
}

// Messages returns how many messages a core has sent and received over all its
// channels, the monitors' and those that are closed again included.
func (v *View) Messages(core int) (sent, received uint64) {
	for peer := range v.Cores {
		if peer != core {
			s, r := v.MessagesWith(core, peer)
			sent, received = sent+s, received+r
		}
	}
	return sent, received
}

// MessagesWith returns how many it has sent to another core and received from there.
func (v *View) MessagesWith(core, peer int) (sent, received uint64) {
	add := func(s *urpc.Stats) {
		sent += atomic.LoadUint64(&s.Send.Messages)
		received += atomic.LoadUint64(&s.Recv.Messages)
	}
	for _, kind := range Channels {
		// a pair's memory is where the geometry says, in any multikernel
		if side, err := v.OpenSide(kind, core, peer); err == nil {
			add(side.Stats)
		}
	}
	for _, e := range v.Opened(core, peer) {
		if side, err := v.PoolSide(core, peer, e.Page, e.Lines); err == nil {
			add(side.Stats)
		}
	}
	t := v.Totals(core, peer)
	return sent + t.Sent.Load(), received + t.Received.Load()
}

// Call is the memory of one call line: the line itself, which both cores write
// in turns, and the control blocks of its two ends.
type Call struct {
	Line           *urpc.Line
	Client, Server *urpc.Control
}

// OpenCall views the line on which core client calls core server. The control
// blocks follow those of the program's side on each core's first page of it:
// as client, then as server.
func (v *View) OpenCall(client, server int) (c Call, err error) {
	at := v.CallArea(client, server)
	if client > server {
		at += CallLines / 2 * urpc.LineSize
	}
	line, e1 := urpc.MemoryAt(at, urpc.LineSize)
	ask, e2 := urpc.MemoryAt(v.Side(ChannelProgram, client, server)+2*urpc.LineSize, urpc.LineSize)
	answer, e3 := urpc.MemoryAt(v.Side(ChannelProgram, server, client)+3*urpc.LineSize, urpc.LineSize)
	if err := errors.Join(e1, e2, e3); err != nil {
		return c, err
	}
	c.Line, e1 = urpc.LineOf(line)
	c.Client, e2 = urpc.ControlOf(ask)
	c.Server, e3 = urpc.ControlOf(answer)
	return c, errors.Join(e1, e2, e3)
}

// OpenCallStats views what core client records of its calls to core server.
func (v *View) OpenCallStats(client, server int) (*urpc.Stats, error) {
	page, err := urpc.MemoryAt(v.CallStatsArea(client, server), layout.PageSize)
	if err != nil {
		return nil, err
	}
	return urpc.StatsOf(page)
}

// OpenBroadcast views what a core writes to all members of its broadcast.
func (v *View) OpenBroadcast(writer int) (urpc.Broadcast, error) {
	page, err := urpc.MemoryAt(v.BroadcastArea(writer), layout.PageSize)
	if err != nil {
		return urpc.Broadcast{}, err
	}
	return urpc.BroadcastOf(page)
}

// OpenAck views the control block by which core member acknowledges the broadcast
// of core writer.
func (v *View) OpenAck(member, writer int) (*urpc.Control, error) {
	mem, err := urpc.MemoryAt(v.AckArea(member, writer), urpc.LineSize)
	if err != nil {
		return nil, err
	}
	return urpc.ControlOf(mem)
}
