package monitor

import (
	"context"
	"fmt"
	"os"
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
	// Open makes ends to a life of a peer possible and returns the monitor's.
	Open(peer int, life uint64) (Channel, error)
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
		if err := m.look(); err != nil {
			fmt.Fprintf(os.Stderr, "monitor: core %d: %v\n", m.cfg.Core, err)
		}
	}
}

// look does what is to be done about the others' lives now.
func (m *Monitor) look() (err error) {
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
	return err
}

func (m *Monitor) act(a lives.Action) error {
	switch a.Kind {
	case lives.Open:
		ch, err := m.cfg.Ends.Open(a.Peer, a.Life)
		if err != nil {
			return err
		}
		out := newOutbox(ch, &m.ears.untold)
		m.channels.begin(a.Peer, a.Life, m.cfg.Life, out)
		m.sayHello(out)
		m.agreed.meet(a.Peer, out)
		m.members.came(a.Peer, a.Life)
		talk := make(chan struct{})
		m.talks[a.Peer] = talk
		o := &ear{peer: a.Peer, life: a.Life, ch: ch, out: out, agreed: hearing{peer: a.Peer, core: m.cfg.Core, to: m.agreed}}
		m.ears.add(o)
		go func() {
			defer close(talk)
			m.peer(o)
		}()
	case lives.Close:
		<-m.talks[a.Peer] // it hears all that was said, and then the end
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
