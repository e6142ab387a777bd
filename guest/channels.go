package guest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"barreleye/devices/region"
	"barreleye/urpc"
)

// ErrPeer says that there is no such core to talk to.
var ErrPeer = errors.New("no such peer")

// Channel returns this core's end of the channel that every pair of cores has
// from boot on. The same end is returned every time; one goroutine at a time
// may use it.
func Channel(peer int) (*urpc.Conn, error) { return links.conn(region.ChannelProgram, peer) }

// Client returns the asking end of the call line to a peer.
func Client(peer int) (*urpc.CallClient, error) { return links.client(peer) }

// Server returns the answering end of the call line from a peer.
func Server(peer int) (*urpc.CallServer, error) { return links.server(peer) }

// WaitPeers returns once every other core's monitor has said hello.
func WaitPeers(ctx context.Context) error {
	if core == nil {
		return nil // a test on Linux
	}
	return core.WaitPeers(ctx)
}

// Sleeper returns what parks goroutines until a word of the shared region
// changes. Any number of goroutines may use it.
func Sleeper() urpc.Sleeper { return here.Sleeper() }

// network holds the ends this core has opened so far.
type network struct {
	mu      sync.Mutex
	view    *region.View
	bells   []*urpc.Bell
	conns   map[[2]int]*urpc.Conn
	clients map[int]*urpc.CallClient
	servers map[int]*urpc.CallServer

	lines     map[int]*urpc.Receiver // of others' broadcasts
	announced bool                   // this core's own broadcast is in use
}

var links network

func (n *network) init(view *region.View) {
	n.view = view
	n.conns, n.clients, n.servers = map[[2]int]*urpc.Conn{}, map[int]*urpc.CallClient{}, map[int]*urpc.CallServer{}
	n.lines = map[int]*urpc.Receiver{}
	for i := range view.Cores {
		n.bells = append(n.bells, &urpc.Bell{Asleep: &view.Block(i).Asleep, Ring: func() { here.Ring(i) }})
	}
}

// pollsAwake is how often a blocking call looks before it parks its goroutine,
// where the core has a CPU to itself: about as long as a wake-up takes.
const pollsAwake = 2000

func (n *network) link(peer int) urpc.Link {
	polls := pollsAwake
	if here.PollCycles() == 0 {
		polls = -1 // the CPU is shared: another core needs it more
	}
	h := n.view.Header()
	return urpc.Link{Epoch: uint8(h.Epoch), Latency: h.Latency != 0, Bell: n.bells[peer], Sleeper: here.Sleeper(), Polls: polls}
}

func (n *network) check(peer int) error {
	if peer < 0 || peer >= Cores() || peer == Core() {
		return fmt.Errorf("core %d: channel to core %d of %d: %w", Core(), peer, Cores(), ErrPeer)
	}
	return nil
}

func (n *network) conn(kind, peer int) (*urpc.Conn, error) {
	if err := n.check(peer); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if c := n.conns[[2]int{kind, peer}]; c != nil {
		return c, nil
	}
	own, err := n.view.OpenSide(kind, Core(), peer)
	if err != nil {
		return nil, err
	}
	other, err := n.view.OpenSide(kind, peer, Core())
	if err != nil {
		return nil, err
	}
	c, err := urpc.NewConn(own, other, n.link(peer))
	if err != nil {
		return nil, err
	}
	n.conns[[2]int{kind, peer}] = c
	return c, nil
}

func (n *network) client(peer int) (*urpc.CallClient, error) {
	if err := n.check(peer); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if c := n.clients[peer]; c != nil {
		return c, nil
	}
	call, err := n.view.OpenCall(Core(), peer)
	if err != nil {
		return nil, err
	}
	link := n.link(peer)
	c, err := urpc.NewCallClient(call.Line, call.Client, call.Server, link)
	if err != nil {
		return nil, err
	}
	if link.Latency {
		stats, err := n.view.OpenCallStats(Core(), peer)
		if err != nil {
			return nil, err
		}
		c.Record(stats)
	}
	n.clients[peer] = c
	return c, nil
}

func (n *network) server(peer int) (*urpc.CallServer, error) {
	if err := n.check(peer); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if s := n.servers[peer]; s != nil {
		return s, nil
	}
	call, err := n.view.OpenCall(peer, Core())
	if err != nil {
		return nil, err
	}
	s, err := urpc.NewCallServer(call.Line, call.Server, call.Client, n.link(peer))
	if err == nil {
		n.servers[peer] = s
	}
	return s, err
}
