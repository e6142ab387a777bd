package guest

import (
	"errors"
	"fmt"
	"slices"

	"barreleye/devices/region"
	"barreleye/urpc"
	"barreleye/urpc/fanout"
)

// ErrBroadcast says that a core's line serves a group already.
var ErrBroadcast = errors.New("the line has its members")

// Groups send one message to several cores and fold their answers into one
// (package fanout). They use the channels that Channel returns, alone: as long as
// a group lasts, the program sends nothing else over those between its cores.
// Both ends may be made in any order.

// Broadcast makes the group of all members of this core's broadcast line. A core
// has one such line, whose members stay the same; a second call fails with
// ErrBroadcast.
func Broadcast(members []int, fold fanout.Fold) (*fanout.Group, error) {
	return links.broadcast(members, fold)
}

// BroadcastMember makes this core's part in the broadcast of core writer.
func BroadcastMember(writer int) (*fanout.Member, error) { return links.listener(writer) }

// Unicast makes a group that sends each member a message, in this order.
func Unicast(members []int, fold fanout.Fold) (*fanout.Group, error) {
	return fanout.NewUnicast(members, Channel, fold)
}

// UnicastMember makes this core's part in a unicast group of core asker.
func UnicastMember(asker int) (*fanout.Member, error) {
	conn, err := Channel(asker)
	if err != nil {
		return nil, err
	}
	return fanout.NewUnicastMember(conn), nil
}

// Multicast makes a group over a tree of which this core is the root.
func Multicast(tree *fanout.Tree, fold fanout.Fold) (*fanout.Group, error) {
	return fanout.NewMulticast(tree, Core(), Channel, fold)
}

// MulticastMember makes this core's part in a multicast over a tree. All cores
// must give the same tree and fold.
func MulticastMember(tree *fanout.Tree, fold fanout.Fold) (*fanout.Member, error) {
	return fanout.NewMulticastMember(tree, Core(), Channel, fold)
}

func (n *network) broadcast(members []int, fold fanout.Fold) (*fanout.Group, error) {
	n.mu.Lock()
	line, err := n.broadcaster(members)
	n.mu.Unlock()
	if err != nil {
		return nil, err
	}
	group, err := fanout.NewBroadcast(line, members, Channel, fold)
	if err != nil {
		n.mu.Lock()
		n.line, n.members = nil, nil // nothing has gone over it
		n.mu.Unlock()
	}
	return group, err
}

// broadcaster makes the writing end of this core's line, with mu held.
func (n *network) broadcaster(members []int) (*urpc.Broadcaster, error) {
	if n.line != nil {
		return nil, fmt.Errorf("core %d: broadcast: %w: use the group made first", Core(), ErrBroadcast)
	}
	var controls []*urpc.Control
	var to []urpc.Link
	for _, core := range members {
		p, err := n.of(core)
		if err != nil {
			return nil, err
		}
		ack, err := n.view.OpenAck(core, Core())
		if err != nil {
			return nil, err
		}
		link := p.link
		link.Epoch, link.Sleeper = region.OwnEpoch(Life()), &n.lineRest
		controls, to = append(controls, ack), append(to, link)
	}
	b, err := n.view.OpenBroadcast(Core())
	if err != nil {
		return nil, err
	}
	line, err := urpc.NewBroadcaster(b.Ring, b.Tx, controls, to)
	if err == nil {
		n.line, n.members = line, slices.Clone(members)
	}
	return line, err
}

func (n *network) listener(writer int) (*fanout.Member, error) {
	conn, err := n.conn(region.ChannelProgram, writer)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	p, err := n.of(writer)
	if err != nil {
		return nil, err
	}
	if p.line == nil {
		b, e1 := n.view.OpenBroadcast(writer)
		ack, e2 := n.view.OpenAck(Core(), writer)
		if err := errors.Join(e1, e2); err != nil {
			return nil, err
		}
		if Life() > 1 && b.Used() {
			return nil, fmt.Errorf("core %d: broadcast of core %d: %w, from before this life: use its unicast or multicast group", Core(), writer, ErrBroadcast)
		}
		link := p.link
		link.Epoch = region.OwnEpoch(p.life)
		if p.line, err = urpc.NewReceiver(b.Ring, ack, b.Tx, link); err != nil {
			return nil, err
		}
	}
	return fanout.NewBroadcastMember(p.line, conn), nil
}
