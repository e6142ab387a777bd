package fanout

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"barreleye/urpc"
)

// set is what broadcast and unicast have in common: every member answers over
// its own channel, in the order of the operations.
type set struct {
	members []*peer
	fold    Fold
	at      int // members before this one are through with the oldest operation
	sum     total
	packet  Packet // the answer taken last; the fold gets a pointer to it
	out     outcome
	dropped func(i int) // told of every member that is lost
}

// peer is one member as the asking core sees it.
type peer struct {
	core   int
	conn   *urpc.Conn
	gone   bool
	failed error  // why it gets no requests any more
	until  uint64 // the first operation that it did not get
}

// newSet opens the channels to the members, in their order.
func newSet(members []int, dial Dial, fold Fold) (*set, error) {
	if len(members) == 0 {
		return nil, fmt.Errorf("fanout: group: nobody in it: %w: name at least one core", ErrMembers)
	}
	for i, core := range members {
		if slices.Contains(members[:i], core) {
			return nil, fmt.Errorf("fanout: group: core %d is there twice: %w: name each core once", core, ErrMembers)
		}
	}
	s := &set{fold: fold, dropped: func(int) {}}
	for _, core := range members {
		conn, err := dial(core)
		if err != nil {
			return nil, err
		}
		s.members = append(s.members, &peer{core: core, conn: conn})
	}
	return s, nil
}

// fail stops sending to a member: it cannot answer operation op, nor any later one.
func (p *peer) fail(op uint64, err error) {
	if p.failed == nil {
		p.failed, p.until = err, op
	}
}

// finish takes the members' answers to the oldest operation one after the other:
// all are needed, so their order costs nothing.
func (s *set) finish(ctx context.Context, op uint64) (outcome, error) {
	for ; s.at < len(s.members); s.at++ {
		p := s.members[s.at]
		if p.gone {
			continue
		}
		err := p.answer(ctx, op, &s.packet)
		switch {
		case err == nil:
			s.sum.add(s.fold, &s.packet.Message)
		case isGone(err) || err == p.failed:
			p.gone = true
			s.out.lost, s.out.err = append(s.out.lost, p.core), err
			s.dropped(s.at)
		default:
			return outcome{}, err
		}
	}
	out := s.out
	out.message = s.sum.message
	s.at, s.sum, s.out = 0, total{}, outcome{}
	return out, nil
}

// answer waits for the member's answer to operation op.
func (p *peer) answer(ctx context.Context, op uint64, packet *Packet) error {
	if p.failed != nil && op >= p.until {
		return p.failed
	}
	var m urpc.Message
	if err := p.conn.Recv(ctx, &m); err != nil {
		return err
	}
	if err := packet.decode(&m); err != nil {
		return err
	}
	if packet.Kind != KindReply || packet.Op != op {
		return fmt.Errorf("fanout: core %d: kind %d of operation %d, a reply to %d expected: %w",
			p.core, packet.Kind, packet.Op, op, urpc.ErrCorrupt)
	}
	return nil
}

// unicast sends each member a message of its own.
type unicast struct{ *set }

// NewUnicast makes a group that reaches each member over the channel with it. The
// order of members is the order of sending: the farthest first is best.
func NewUnicast(members []int, dial Dial, fold Fold) (*Group, error) {
	s, err := newSet(members, dial, fold)
	if err != nil {
		return nil, err
	}
	return newGroup(unicast{s}, members), nil
}

func (u unicast) start(_ context.Context, op uint64, m *urpc.Message) error {
	u.send(&Packet{Kind: KindRequest, Op: op, Message: *m})
	return nil
}

func (u unicast) end(context.Context) error {
	u.send(&Packet{Kind: KindEnd, Op: opMask})
	return nil
}

// send writes to all members, and then wakes those that sleep.
func (u unicast) send(packet *Packet) {
	line := packet.encode()
	for _, p := range u.members {
		if !p.gone && p.failed == nil {
			if err := p.conn.TrySend(&line); err != nil {
				p.fail(packet.Op, err) // full: it answers requests that it did not take
			}
		}
	}
	for _, p := range u.members {
		if !p.gone {
			p.conn.Flush()
		}
	}
}

// broadcast sends all members the same line.
type broadcast struct {
	*set
	line *urpc.Broadcaster
}

// NewBroadcast makes a group whose members, in the order in which line has them,
// read one line and answer over their channels.
func NewBroadcast(line *urpc.Broadcaster, members []int, dial Dial, fold Fold) (*Group, error) {
	s, err := newSet(members, dial, fold)
	if err != nil {
		return nil, err
	}
	s.dropped = line.LeaveOut
	return newGroup(broadcast{s, line}, members), nil
}

func (b broadcast) start(ctx context.Context, op uint64, m *urpc.Message) error {
	packet := Packet{Kind: KindRequest, Op: op, Message: *m}
	line := packet.encode()
	if err := b.line.Send(ctx, &line); err != nil {
		return err
	}
	for i, p := range b.members {
		// who closed may have answered before; its channel tells
		if err := b.line.Left(i); errors.Is(err, urpc.ErrCorrupt) {
			p.fail(op, err)
		}
	}
	return nil
}

func (b broadcast) end(ctx context.Context) error {
	packet := Packet{Kind: KindEnd}
	line := packet.encode()
	return b.line.Send(ctx, &line)
}
