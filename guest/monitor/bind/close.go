package bind

import "fmt"

// Close says that this core's end of an open channel is closed, and touches the peer's
// side no more.
func (m *Machine) Close(id ID) []Action {
	c := m.channels[id]
	if c == nil || c.state != open {
		return nil
	}
	c.state = closed
	m.clear(c)
	if !c.dead && m.peers[c.peer].gone == nil {
		m.send(c.peer, message{kind: kindDone, mine: c.dialed, slot: c.theirs, gen: c.gen})
	}
	if c.told {
		m.free(c)
	}
	return m.done()
}

// finished takes a done.
func (m *Machine) finished(peer int, msg *message) error {
	var c *channel
	if msg.mine {
		c = m.peers[peer].theirs[msg.slot]
		if c == nil || c.gen != msg.gen {
			return nil // it gave up what is refused meanwhile
		}
		if c.state == waiting {
			m.refuse(c, errGivenUp)
			return nil
		}
	} else {
		var err error
		if c, err = m.dialedBy(peer, msg); err != nil {
			return err
		}
		if !c.answered {
			return fmt.Errorf("done with place %d, which has no answer: %w", msg.slot, ErrProtocol)
		}
	}
	if c.told {
		return fmt.Errorf("done with place %d twice: %w", msg.slot, ErrProtocol)
	}
	c.told = true
	if c.state == closed {
		m.free(c)
	}
	return nil
}
