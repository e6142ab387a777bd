package fanout

import (
	"context"
	"errors"
	"fmt"

	"barreleye/urpc"
)

// Member is a core's part in a group. One goroutine at a time.
type Member struct {
	serve func(ctx context.Context, handle Handler) error
}

// Handler replaces a request by this core's answer. done ends Serve once the
// answer, in a tree with those from below, has been sent.
type Handler func(m *urpc.Message) (done bool)

// Serve answers requests until handle says that it is done. It fails with
// ErrEnded when the asking core has closed its group or is gone, as its context, and, where that core
// violated the protocol, with an error that wraps urpc.ErrCorrupt.
func (m *Member) Serve(ctx context.Context, handle Handler) error { return m.serve(ctx, handle) }

// NewBroadcastMember makes the part of a core that reads the broadcast of another
// one and answers over the channel with it.
func NewBroadcastMember(line *urpc.Receiver, conn *urpc.Conn) *Member { return direct(line, conn) }

// NewUnicastMember makes the part of a core at the other end of the asking core's
// channel.
func NewUnicastMember(conn *urpc.Conn) *Member { return direct(conn.Receiver, conn) }

func direct(in *urpc.Receiver, out *urpc.Conn) *Member {
	return &Member{func(ctx context.Context, handle Handler) error {
		var m urpc.Message
		var p Packet // the handler gets a pointer into it
		for {
			err := in.Recv(ctx, &m)
			if err == nil {
				err = p.decode(&m)
			}
			if err == nil && p.Kind == KindEnd {
				return ErrEnded
			}
			if err == nil && p.Kind != KindRequest {
				err = fmt.Errorf("fanout: kind %d to a member: %w", p.Kind, urpc.ErrCorrupt)
			}
			if err != nil {
				return ended(err)
			}
			done, err := answer(&p.Message, handle)
			if err != nil {
				return err
			}
			p.Kind = KindReply
			m = p.encode()
			if err := out.Send(ctx, &m); err != nil {
				return ended(err)
			}
			if done {
				return nil
			}
		}
	}}
}

// answer calls the handler and checks what it made.
func answer(m *urpc.Message, handle Handler) (done bool, err error) {
	done = handle(m)
	m.Words[protocolWord] = 0
	switch {
	case m.Len > MaxPayload:
		return done, ErrPayload
	case m.Type >= urpc.TypeReserved:
		return done, urpc.ErrMessage
	}
	return done, nil
}

// ended says that the asking core is gone, where that is what err says.
func ended(err error) error {
	if errors.Is(err, urpc.ErrClosed) {
		return ErrEnded
	}
	return err
}

// inner is a member of a tree.
type inner struct {
	*node
	peers    []int        // cores listened to
	stale    bool         // peers is
	waiting  *urpc.Select // for peers
	done     bool         // the handler said so
	last     uint64       // in this operation
	answered bool         // which was answered
}

// NewMulticastMember makes core self's part in a tree.
func NewMulticastMember(tree *Tree, self int, dial Dial, fold Fold) (*Member, error) {
	if self == tree.root {
		return nil, fmt.Errorf("fanout: core %d: the root is no member: %w: ask from there, by NewMulticast", self, ErrTree)
	}
	n, err := newNode(tree, self, dial, fold)
	if err != nil {
		return nil, err
	}
	i := &inner{node: n, stale: true}
	return &Member{i.serve}, nil
}

func errNotRoot(self, root int) error {
	return fmt.Errorf("fanout: core %d: the tree's root is core %d: %w: serve here, by NewMulticastMember", self, root, ErrTree)
}

func (i *inner) serve(ctx context.Context, handle Handler) error {
	defer i.stopWaiting()
	var answers []Event // of this core, to be told to the machine
	do := func(a *Action) error {
		switch a.Kind {
		case ActAnswer:
			done, err := answer(&a.Message, handle)
			if err != nil {
				return err
			}
			if done {
				i.done, i.last = true, a.Op
			}
			answers = append(answers, Event{Kind: EventAnswer, Op: a.Op, Message: a.Message})
		case ActSend:
			i.answered = i.answered || i.done && a.Packet.Kind == KindReply && a.Packet.Op == i.last
		case ActListen, ActIgnore:
			i.stale = true
		case ActEnd:
			return ErrEnded
		}
		return nil
	}
	for {
		idle := true
		for _, c := range i.listenedTo() {
			conn := i.conns[c]
			if conn == nil {
				continue // gone since this round began
			}
			err := i.receive(ctx, c, conn.TryRecv(&i.line), do)
			if err == urpc.ErrEmpty {
				continue
			}
			if err != nil {
				return err
			}
			idle = false
			i.stale = i.stale || i.event.Kind == EventGone
			for k := range answers {
				if err := i.step(ctx, &answers[k], do); err != nil {
					return err
				}
			}
			answers = answers[:0]
			if i.answered {
				return nil
			}
		}
		if idle {
			if err := i.wait(ctx); err != nil {
				return err
			}
		}
	}
}

// listenedTo returns the peers, those of the last round if they are still right.
func (i *inner) listenedTo() []int {
	if i.stale {
		i.stale = false
		i.stopWaiting()
		i.peers = i.machine.Peers(i.peers[:0])
	}
	return i.peers
}

// wait returns when a peer may have sent something.
func (i *inner) wait(ctx context.Context) error {
	if i.stale {
		return nil
	}
	if i.waiting == nil {
		var ends []*urpc.Receiver
		for _, c := range i.peers {
			if conn := i.conns[c]; conn != nil {
				ends = append(ends, conn.Receiver)
			}
		}
		i.waiting = urpc.NewSelect(ctx, ends...)
	}
	return i.waiting.Wait()
}

func (i *inner) stopWaiting() {
	if i.waiting != nil {
		i.waiting.Close()
		i.waiting = nil
	}
}
