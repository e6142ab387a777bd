package guest

import (
	"fmt"
	"sync"
	"time"

	"barreleye/devices/doorbell"
	"barreleye/devices/region"
	"barreleye/guest/monitor"
	"barreleye/guest/monitor/bind"
	"barreleye/urpc"
)

// peer is what this core has of one life of another one. All ends are of that life; when
// it is over they are given memory of their own (urpc.Conn.Detach), so that the program
// may keep them as long as it likes.
type peer struct {
	life    uint64 // 0 while there are no ends
	gone    uint64 // the last life that this core has seen the end of
	link    urpc.Link
	parking *parkings

	monitor *monitorEnd
	conns   map[int]*urpc.Conn // by kind; of a life that is over, until the next
	client  *urpc.CallClient
	server  *urpc.CallServer
	line    *urpc.Receiver // of its broadcast
	opened  map[bind.ID]detacher
}

// detacher is an end.
type detacher interface{ Detach() }

// network holds this core's ends.
type network struct {
	mu       sync.Mutex
	view     *region.View
	decided  *[region.Decisions][region.DecisionWords]uint64 // by this core
	peers    []peer
	watches  watchings
	line     *urpc.Broadcaster // of this core's broadcast; nil before there is a group
	members  []int             // of that group
	lineRest lineParking

	// kept are ends to dead cores that nobody has accepted yet.
	kept map[bind.ID]detacher
}

var links network

func (n *network) init(view *region.View) {
	n.view, n.peers, n.kept = view, make([]peer, view.Cores), map[bind.ID]detacher{}
	n.decided = view.Decisions(Core())
	n.lineRest.Sleeper = here.Sleeper()
}

// pollsAwake is how often a blocking call looks before it parks its goroutine,
// where the core has a CPU to itself: about as long as a wake-up takes.
const pollsAwake = 2000

// Open makes ends to a life of a peer possible (monitor.Ends).
func (n *network) Open(core int, life uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	polls := pollsAwake
	if here.PollCycles() == 0 {
		polls = -1 // the CPU is shared: another core needs it more
	}
	p := &n.peers[core]
	if p.gone != 0 {
		n.view.Recount(Core(), core)
	}
	parking := &parkings{Watcher: here.Sleeper().(urpc.Watcher), all: &n.watches}
	*p = peer{
		life: life, gone: p.gone, parking: parking,
		link: urpc.Link{
			Epoch: region.PairEpoch(Life(), life), Latency: n.view.Header().Latency != 0, Sleeper: parking, Polls: polls,
			// a new one: it remembers the last sleep in which it rang
			Bell: &urpc.Bell{Asleep: &n.view.Block(core).Asleep, Ring: func() { here.Ring(core) }},
		},
		conns: map[int]*urpc.Conn{}, opened: map[bind.ID]detacher{},
	}
}

// Connect makes the monitor's end to a peer that lives (monitor.Ends).
func (n *network) Connect(core int) (monitor.Channel, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	end, err := n.monitorEnd(core)
	if err != nil {
		return monitor.Channel{}, err
	}
	n.peers[core].monitor = end
	return monitor.Channel{Sender: end.Sender, Receiver: end.Receiver}, nil
}

// Close ends what this core has of a peer's life (monitor.Ends). kept are channels that
// nobody has accepted yet: what came over them can still be received.
func (n *network) Close(core int, kept []monitor.Opened) {
	n.mu.Lock()
	p := &n.peers[core]
	for _, o := range kept {
		if e, err := n.end(o); err == nil {
			n.kept[o.ID] = e
		} // else who accepts it gets the error
	}
	for _, kind := range []int{region.ChannelProgram, region.ChannelPages} {
		// the program may not have asked for its end yet
		if side, err := n.view.OpenSide(kind, core, Core()); err == nil && side.Sent() != 0 {
			_, _ = n.connOf(p, kind, core) // else there is nothing to keep
		}
	}
	p.gone, p.life = p.life, 0
	var ends []detacher
	if p.monitor != nil {
		ends = append(ends, p.monitor)
	}
	for _, c := range p.conns {
		ends = append(ends, c)
	}
	for _, e := range p.opened {
		ends = append(ends, e)
	}
	if p.client != nil {
		ends = append(ends, p.client)
	}
	if p.server != nil {
		ends = append(ends, p.server)
	}
	if p.line != nil {
		ends = append(ends, p.line)
	}
	p.client, p.server, p.line, p.monitor, p.opened = nil, nil, nil, nil, nil
	for i, m := range n.members {
		if m == core {
			n.line.Detach(i)
		}
	}
	n.mu.Unlock()

	for _, e := range ends {
		e.Detach()
	}
	p.parking.end()
	if ack, err := n.view.OpenAck(core, Core()); err == nil {
		n.lineRest.leave(ack)
	}
	n.watches.tell()
	waitOutside()
}

// Settle wipes out what this core wrote for a peer, and says that it has let go of
// everything of that life (monitor.Ends).
func (n *network) Settle(core int, life uint64) {
	n.view.Forget(Core(), core)
	n.view.Settled(Core(), core).Store(life)
	here.Ring(doorbell.VMM)
}

// Word returns the address of the word that changes with the membership, and what the VMM
// says of a core now (monitor.Ends).
func (n *network) Word() *uint64 { return epochWord(n.view) }

// Look returns what the VMM says of a core, and whether this life has met that one.
func (n *network) Look(core int) (life, over uint64, met bool) {
	life, over = n.view.LifeOf(core)
	return life, over, n.view.Met(Core(), core)
}

// check reports what can be no peer of this core.
func (n *network) check(core int) error {
	if core < 0 || core >= len(n.peers) || core == Core() {
		return fmt.Errorf("core %d: channel to core %d of %d: %w", Core(), core, Cores(), ErrPeer)
	}
	return nil
}

// of returns what there is of a peer, with mu held.
func (n *network) of(core int) (*peer, error) {
	if err := n.check(core); err != nil {
		return nil, err
	}
	p := &n.peers[core]
	if p.life == 0 {
		return nil, &GoneError{Core: core, Life: p.gone}
	}
	return p, nil
}

// lifeOf returns the life of a peer, or why there are no ends to it.
func (n *network) lifeOf(core int) (uint64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p, err := n.of(core)
	if err != nil {
		return 0, err
	}
	return p.life, nil
}

// lastLife returns the last life of a peer to which there were ends, 0 for none.
func (n *network) lastLife(core int) uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.check(core) != nil {
		return 0
	}
	return max(n.peers[core].life, n.peers[core].gone)
}

// GoneError says that a core does not live: its life, the one of that number, has ended,
// or there was none yet. It is an ErrGone.
type GoneError struct {
	Core int
	Life uint64 // 0: none yet
}

func (e *GoneError) Error() string {
	if e.Life == 0 { // of those with which the run began there always was one
		return fmt.Sprintf("core %d has not started: wait for it with guest.WaitPeer", e.Core)
	}
	return fmt.Sprintf("core %d is gone (life %d): wait for its next life with guest.WaitPeer", e.Core, e.Life)
}

// Is reports whether target is ErrGone.
func (e *GoneError) Is(target error) bool { return target == ErrGone }

// leave returns once nobody sleeps on a control block's acknowledgement.
func (p *lineParking) leave(c *urpc.Control) {
	for word := c.Acknowledged(); p.at.Load() == word; {
		time.Sleep(20 * time.Microsecond) // the idle loop looks at it meanwhile
	}
}
