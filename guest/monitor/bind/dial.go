package bind

import (
	"fmt"

	"barreleye/devices/region"
	"barreleye/urpc"
)

// Dial begins to open a channel. ActDialed tells how that ended.
func (m *Machine) Dial(peer int, r Request) (ID, []Action, error) {
	if err := r.check(); err != nil {
		return 0, nil, err
	}
	p := &m.peers[peer]
	if p.gone != nil {
		return 0, nil, p.gone
	}
	c := &channel{
		peer: peer, dialed: true, service: r.Service, state: dialing,
		entry: region.Entry{Profile: r.Profile, Lines: r.Lines, PeerLines: r.PeerLines},
	}
	if err := m.allot(c); err != nil {
		return 0, nil, err
	}
	m.name(c)
	c.theirs, c.gen = c.slot, p.gens[c.slot]
	c.entry.Epoch = uint8((uint64(c.gen)+p.lives)%255) + 1
	m.publish(c)
	m.send(peer, message{
		kind: kindRequest, wait: r.Wait, slot: c.slot, gen: c.gen, page: c.entry.Page, lines: r.Lines, peerLines: r.PeerLines,
		profile: r.Profile, epoch: c.entry.Epoch, service: r.Service,
	})
	return c.id, m.done(), nil
}

// check reports a request that no machine grants.
func (r *Request) check() error {
	for _, n := range []int{r.Lines, r.PeerLines} {
		if n < urpc.MinLines || n > urpc.MaxLines || n&(n-1) != 0 {
			return fmt.Errorf("ring of %d lines, power of two from %d to %d needed: %w", n, urpc.MinLines, urpc.MaxLines, ErrRequest)
		}
	}
	if r.Profile != region.ProfileLatency && r.Profile != region.ProfileBulk {
		return fmt.Errorf("profile %d: %w", r.Profile, ErrRequest)
	}
	return CheckService(r.Service)
}

// CheckService reports a name that no service can have.
func CheckService(name string) error {
	if name == "" || len(name) > MaxService {
		return fmt.Errorf("name of %d bytes, 1 to %d needed: %w", len(name), MaxService, ErrRequest)
	}
	return nil
}

// GiveUp ends a dial for which nobody waits any more.
func (m *Machine) GiveUp(id ID) []Action {
	c := m.channels[id]
	switch {
	case c == nil:
		return nil // it has been refused
	case c.state == open:
		m.do(Action{Kind: ActHangUp, Peer: c.peer, Entry: c.entry})
		return m.Close(id)
	case c.state == dialing:
		m.do(Action{Kind: ActHangUp, Peer: c.peer, Entry: c.entry})
		m.clear(c)
		m.send(c.peer, message{kind: kindDone, mine: true, slot: c.slot, gen: c.gen})
		c.state = closed
	}
	return m.done()
}

// dialedBy returns the channel that an answer is for.
func (m *Machine) dialedBy(peer int, msg *message) (*channel, error) {
	if slots := m.peers[peer].slots; msg.slot < len(slots) {
		if c := slots[msg.slot]; c != nil && c.dialed && c.gen == msg.gen {
			return c, nil
		}
	}
	return nil, fmt.Errorf("answer for place %d, %d, which asked nothing: %w", msg.slot, msg.gen, ErrProtocol)
}

func (m *Machine) accepted(peer int, msg *message) error {
	c, err := m.dialedBy(peer, msg)
	if err != nil {
		return err
	}
	if c.answered {
		return fmt.Errorf("second answer for place %d: %w", msg.slot, ErrProtocol)
	}
	if msg.lines != c.entry.PeerLines || !m.geometry.Fits(msg.page, msg.lines) {
		return fmt.Errorf("side of %d lines at page %d: %w", msg.lines, msg.page, ErrProtocol)
	}
	c.answered = true
	if c.state == dialing {
		c.state, c.entry.Open, c.entry.PeerPage = open, true, msg.page
		m.publish(c)
		m.do(Action{Kind: ActDialed, ID: c.id})
	}
	return nil
}

func (m *Machine) refused(peer int, msg *message) error {
	c, err := m.dialedBy(peer, msg)
	if err != nil {
		return err
	}
	if c.answered {
		return fmt.Errorf("second answer for place %d: %w", msg.slot, ErrProtocol)
	}
	if c.state == dialing {
		m.clear(c)
		m.do(Action{Kind: ActDialed, ID: c.id, Err: reasons[msg.reason]})
	}
	m.free(c)
	return nil
}
