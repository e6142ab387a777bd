package fanout

import (
	"context"
	"errors"

	"barreleye/urpc"
)

// node connects a Machine to channels.
type node struct {
	machine *Machine
	dial    Dial
	conns   map[int]*urpc.Conn // of cores listened to

	// kept here because functions that are passed in get pointers to them
	event   Event
	line    urpc.Message
	actions []Action
	current Action
}

func newNode(tree *Tree, self int, dial Dial, fold Fold) (*node, error) {
	machine, err := NewMachine(tree, self, fold)
	if err != nil {
		return nil, err
	}
	n := &node{machine: machine, dial: dial, conns: map[int]*urpc.Conn{}}
	for _, c := range machine.Peers(nil) {
		if n.conns[c], err = dial(c); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// receive takes what a core sent, and says what to do about it. It fails with
// urpc.ErrEmpty if that is nothing, and with what is no matter of the channel.
func (n *node) receive(ctx context.Context, from int, err error, do func(*Action) error) error {
	n.event = Event{Kind: EventPacket, From: from}
	if err == nil {
		err = n.event.Packet.decode(&n.line)
	}
	switch {
	case err == nil:
	case errors.Is(err, urpc.ErrCorrupt):
		n.event = Event{Kind: EventBroken, From: from, Err: err}
	case errors.Is(err, urpc.ErrClosed):
		n.event = Event{Kind: EventGone, From: from, Err: err}
		delete(n.conns, from)
	default:
		return err
	}
	return n.step(ctx, &n.event, do)
}

// step takes an event, does what is to be done with channels, and leaves the rest
// to do. Children are flushed before it: they work meanwhile.
func (n *node) step(ctx context.Context, e *Event, do func(*Action) error) error {
	n.actions = n.machine.Step(e, n.actions[:0])
	for i := 0; i < len(n.actions); i++ { // grows on the way
		n.current = n.actions[i] // a copy: the list may move
		a := &n.current
		var err error
		switch a.Kind {
		case ActSend:
			var sent bool
			if sent, err = n.send(ctx, a); sent {
				err = do(a)
			}
		case ActListen:
			if n.conns[a.To], err = n.dial(a.To); err != nil {
				delete(n.conns, a.To)
				n.actions = n.machine.Step(&Event{Kind: EventBroken, From: a.To, Err: err}, n.actions)
			}
			err = do(a)
		case ActIgnore:
			delete(n.conns, a.To)
			err = do(a)
		case ActAnswer, ActEnd: // nothing may follow soon, or at all
			n.flush()
			err = do(a)
		default:
			err = do(a)
		}
		if err != nil {
			return err
		}
	}
	n.flush()
	return nil
}

// send puts a packet into the channel to a core. To whom it cannot be sent is no
// error: the receiving end says so, after everything the core sent. It waits only
// for room to the parent, who always takes what is there.
func (n *node) send(ctx context.Context, a *Action) (sent bool, err error) {
	conn := n.conns[a.To]
	if conn == nil {
		return false, nil
	}
	line := a.Packet.encode()
	if a.To == n.machine.parent {
		err = conn.Send(ctx, &line)
	} else {
		err = conn.TrySend(&line)
	}
	switch {
	case err == urpc.ErrFull: // it answers requests that it did not take
		n.actions = n.machine.Step(&Event{Kind: EventBroken, From: a.To, Err: err}, n.actions)
		return false, nil
	case err != nil && isGone(err):
		return false, nil
	}
	return err == nil, err
}

// flush wakes the children that were sent something.
func (n *node) flush() {
	for _, c := range n.machine.children {
		if conn := n.conns[c]; conn != nil {
			conn.Flush()
		}
	}
}

// multicast is the root of a tree.
type multicast struct {
	*node
	results []outcome
	broken  error // why a child was lost last
}

// NewMulticast makes a group that reaches the members over a tree of which core
// self is the root.
func NewMulticast(tree *Tree, self int, dial Dial, fold Fold) (*Group, error) {
	if self != tree.root {
		return nil, errNotRoot(self, tree.root)
	}
	n, err := newNode(tree, self, dial, fold)
	if err != nil {
		return nil, err
	}
	return newGroup(&multicast{node: n}, tree.members), nil
}

func (r *multicast) start(ctx context.Context, _ uint64, m *urpc.Message) error {
	request := *m
	request.Words[protocolWord] = 0
	r.event = Event{Kind: EventStart, Message: request}
	return r.step(ctx, &r.event, r.do)
}

func (r *multicast) end(ctx context.Context) error {
	return r.step(ctx, &Event{Kind: EventEnd}, r.do)
}

func (r *multicast) do(a *Action) error {
	switch a.Kind {
	case ActResult:
		o := outcome{message: a.Message, lost: a.Lost, err: r.broken}
		if len(a.Lost) > 0 {
			r.broken = nil
		}
		r.results = append(r.results, o)
	case ActIgnore:
		r.broken = a.Err
	}
	return nil
}

// finish waits for one child after the other: all are needed.
func (r *multicast) finish(ctx context.Context, _ uint64) (outcome, error) {
	for len(r.results) == 0 {
		child, ok := r.machine.Awaited()
		if !ok {
			panic("fanout: an operation that waits for nobody has not ended")
		}
		err := r.receive(ctx, child, r.conns[child].Recv(ctx, &r.line), r.do)
		if err != nil {
			return outcome{}, err
		}
		if r.event.Kind == EventGone {
			r.broken = r.event.Err
		}
	}
	o := r.results[0]
	r.results = append(r.results[:0], r.results[1:]...)
	return o, nil
}
