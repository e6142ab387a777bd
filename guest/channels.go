package guest

import (
	"errors"

	"barreleye/devices/region"
	"barreleye/urpc"
)

// ErrPeer says that there is no such core to talk to.
var ErrPeer = errors.New("no such peer")

// Channel returns this core's end of the channel that every pair of cores has
// from boot on. The same end is returned every time, as long as the peer lives; one
// goroutine at a time may use it. When the peer's life has ended the end gives what came
// before, then urpc.ErrClosed, and stays closed; from then on Channel fails with a
// GoneError until the peer's next life, and returns a new end then. So it is too where the
// peer had ended before this core asked for its end, or began to look.
func Channel(peer int) (*urpc.Conn, error) { return links.conn(region.ChannelProgram, peer) }

// Client returns the asking end of the call line to a peer.
func Client(peer int) (*urpc.CallClient, error) { return links.client(peer) }

// Server returns the answering end of the call line from a peer.
func Server(peer int) (*urpc.CallServer, error) { return links.server(peer) }

// Sleeper returns what parks goroutines until a word of the shared region
// changes. Any number of goroutines may use it.
func Sleeper() urpc.Sleeper { return here.Sleeper() }

func (n *network) conn(kind, core int) (*urpc.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p, err := n.of(core)
	if errors.Is(err, ErrGone) {
		c, err := n.left(&n.peers[core], kind)
		if err != nil || c != nil && c.More() {
			return c, err // not all that came has been received
		}
	}
	if err != nil {
		return nil, err
	}
	return n.connOf(p, kind, core)
}

// left returns the end to the last life of a peer that is over, nil where this core never
// met one. mu is held.
func (n *network) left(p *peer, kind int) (*urpc.Conn, error) {
	if p.conns[kind] != nil || p.gone == 0 {
		return p.conns[kind], nil
	}
	c, err := urpc.NewEnded(p.link) // nothing had come (Close)
	if err == nil {
		p.conns[kind] = c
	}
	return c, err
}

// connOf returns the end to a life of a peer, with mu held.
func (n *network) connOf(p *peer, kind, core int) (*urpc.Conn, error) {
	if c := p.conns[kind]; c != nil {
		return c, nil
	}
	own, e1 := n.view.OpenSide(kind, Core(), core)
	other, e2 := n.view.OpenSide(kind, core, Core())
	if err := errors.Join(e1, e2); err != nil {
		return nil, err
	}
	c, err := urpc.NewConn(own, other, p.link)
	if err == nil {
		p.conns[kind] = c
	}
	return c, err
}

func (n *network) client(core int) (*urpc.CallClient, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p, err := n.of(core)
	if err != nil {
		return nil, err
	}
	if p.client != nil {
		return p.client, nil
	}
	call, err := n.view.OpenCall(Core(), core)
	if err != nil {
		return nil, err
	}
	c, err := urpc.NewCallClient(call.Line, call.Client, call.Server, p.link)
	if err != nil {
		return nil, err
	}
	if p.link.Latency {
		stats, err := n.view.OpenCallStats(Core(), core)
		if err != nil {
			return nil, err
		}
		c.Record(stats)
	}
	p.client = c
	return c, nil
}

func (n *network) server(core int) (*urpc.CallServer, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p, err := n.of(core)
	if err != nil {
		return nil, err
	}
	if p.server != nil {
		return p.server, nil
	}
	call, err := n.view.OpenCall(core, Core())
	if err != nil {
		return nil, err
	}
	s, err := urpc.NewCallServer(call.Line, call.Server, call.Client, p.link)
	if err == nil {
		p.server = s
	}
	return s, err
}
