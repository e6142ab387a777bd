package monitor

import (
	"context"
	"sync/atomic"

	"barreleye/guest/monitor/lives"
)

// Ends is what this core shares with the lives of the others.
type Ends interface {
	// Look returns what the VMM says of a peer now (region.SplitLife) and whether that
	// life was there in this one of this core (region.View.Met), Word the address of a
	// word that changes whenever that does.
	Look(peer int) (life, over uint64, met bool)
	Word() *uint64
	// Open makes ends to a life of a peer possible, Connect makes the monitor's.
	Open(peer int, life uint64)
	Connect(peer int) (Channel, error)
	// Close returns once nothing on this core uses memory of that life any more.
	// Those of the channels in the list that are wanted yet keep what came over them.
	Close(peer int, unaccepted []Opened)
	// Settle wipes out what this core wrote for the peer and tells the VMM.
	Settle(peer int, life uint64)
}

// follow follows what the VMM says of the other cores. seen is the word before it was
// looked at last.
func (m *Monitor) follow(seen uint64) {
	for {
		if err := m.cfg.Sleeper.Sleep(context.Background(), m.cfg.Ends.Word(), seen); err != nil {
			return // the core is ending
		}
		seen = atomic.LoadUint64(m.cfg.Ends.Word())
		m.complain(m.look())
	}
}

// look does what is to be done about the others' lives now.
func (m *Monitor) look() error {
	m.looking.Lock()
	defer m.looking.Unlock()
	return m.lookAtAll()
}

// lookAtAll is look with looking held.
func (m *Monitor) lookAtAll() (err error) {
	for peer := range m.cfg.Geometry.Cores {
		if peer == m.cfg.Core {
			continue
		}
		for err == nil {
			life, over, met := m.cfg.Ends.Look(peer)
			a, ok := m.lives.See(peer, life, over, met)
			if !ok {
				break
			}
			err = m.act(a)
		}
	}
	m.agreed.look()
	m.reach()
	return err
}

func (m *Monitor) act(a lives.Action) error {
	switch a.Kind {
	case lives.Open:
		m.cfg.Ends.Open(a.Peer, a.Life)
		return m.meet(a.Peer, a.Life)
	case lives.Close:
		m.part(a.Peer)
		m.cfg.Ends.Close(a.Peer, m.channels.offered(a.Peer))
		m.members.left(a.Peer)
		m.agreed.left(a.Peer)
		return m.act(m.lives.Closed(a.Peer))
	case lives.Settle:
		m.agreed.look() // what it had decided can be read no more afterwards
		m.cfg.Ends.Settle(a.Peer, a.Life)
	}
	return nil
}
