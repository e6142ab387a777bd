package monitor

import (
	"fmt"
	"os"
	"sync"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/membership"
)

// mesh is with which other monitors this one has a channel. Without a tree it has one with
// all that live. With one it has channels with its neighbours in the tree, and with others
// once one of both has something for the other: whoever that is opens its end, says hello
// into it, and has the other one called over the tree (agreement.EventCall).
type mesh struct {
	mu    sync.Mutex
	peers []acquaintance
}

// acquaintance is what there is with one life of a peer.
type acquaintance struct {
	life   uint64        // 0: it does not live, as far as this core has seen
	out    *outbox       // holds what is said before there is a channel
	talk   chan struct{} // closed when it is not listened to any more; nil: there is no channel
	wanted bool          // a channel, as soon as it lives
}

// meet makes a channel with a life of a peer possible, and one at once if it is wanted.
func (m *Monitor) meet(peer int, life uint64) error {
	out := newOutbox(&m.mu, &m.ears.untold, func() { go m.want(peer) })
	m.mesh.mu.Lock()
	p := &m.mesh.peers[peer]
	wanted := p.wanted || m.cfg.Tree.Direct()
	*p = acquaintance{life: life, out: out, wanted: wanted}
	m.mesh.mu.Unlock()
	m.channels.begin(peer, life, m.cfg.Life, out)
	m.agreed.meet(peer, out)
	m.members.came(peer, life)
	if wanted {
		return m.connect(peer)
	}
	return nil
}

// part returns once nothing here uses the channel with a peer whose life is over, if there
// was one.
func (m *Monitor) part(peer int) {
	m.mesh.mu.Lock()
	talk := m.mesh.peers[peer].talk
	m.mesh.peers[peer] = acquaintance{}
	m.mesh.mu.Unlock()
	if talk == nil {
		m.channels.gone(peer)
		return
	}
	<-talk // it hears all that was said, and then the end
}

// connect opens this core's end of the channel with a peer that lives, once.
func (m *Monitor) connect(peer int) error {
	m.mesh.mu.Lock()
	defer m.mesh.mu.Unlock()
	p := &m.mesh.peers[peer]
	if p.wanted = true; p.life == 0 || p.talk != nil {
		return nil
	}
	ch, err := m.cfg.Ends.Connect(peer)
	if err != nil {
		return err
	}
	p.talk = make(chan struct{})
	m.mu.Lock()
	defer m.mu.Unlock()
	o := &ear{peer: peer, life: p.life, ch: ch.Receiver, out: p.out, agreed: hearing{peer: peer, core: m.cfg.Core, to: m.agreed}}
	m.ears.add(o) // before anybody can speak to it: tell looks for whom to wake there
	hello := m.hello()
	p.out.begin(ch.Sender, &hello)
	go func(talk chan struct{}) {
		defer close(talk)
		m.peer(o)
	}(p.talk)
	return nil
}

// want has there be a channel with a peer.
func (m *Monitor) want(peer int) {
	m.complain(m.connect(peer))
	m.agreed.call(peer)
}

// called opens the end of a channel whose other one a peer has opened. This core may not
// have looked at that peer's life yet.
func (m *Monitor) called(peer int) {
	m.complain(m.look())
	m.complain(m.connect(peer))
}

// reach connects this core with its neighbours.
func (m *Monitor) reach() {
	neighbours := m.agreed.neighbours()
	for c := range neighbours.All() {
		m.complain(m.connect(c))
	}
}

// allHere notes that the monitors of all members of a view run, unless there is a later one.
func (m *Monitor) allHere(v membership.View) {
	m.looking.Lock()
	defer m.looking.Unlock()
	m.complain(m.lookAtAll())
	if m.agreed.epoch() != v.Epoch {
		return
	}
	v.Members.Remove(m.cfg.Core)
	for c := range v.Members.All() {
		m.members.heard(c)
	}
}

func (m *Monitor) complain(err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "monitor: core %d: %v\n", m.cfg.Core, err)
	}
}

// connected returns how many channels there are with other monitors.
func (m *Monitor) connected() (n int) {
	m.mesh.mu.Lock()
	defer m.mesh.mu.Unlock()
	for i := range m.mesh.peers {
		if m.mesh.peers[i].talk != nil {
			n++
		}
	}
	return n
}

// moved says that this core has taken a new view, and what the machine says beside what is
// agreed on; both with mu held.
func (a *agreed) moved() {
	if !a.tree.Direct() {
		go a.monitor.reach()
	}
}

func (a *agreed) met(do *agreement.Action) {
	switch do.Kind {
	case agreement.ActAllHere:
		go a.monitor.allHere(a.machine.View())
	case agreement.ActCalled:
		go a.monitor.called(do.To)
	}
}

// call has a peer called to which this core has opened a channel. A neighbour opens its end
// by itself.
func (a *agreed) call(peer int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.tree.Direct():
	case a.machine == nil:
		a.calls.Add(peer)
	default:
		if n := a.machine.Neighbours(); !n.Has(peer) {
			a.step(&agreement.Event{Kind: agreement.EventCall, From: peer})
		}
	}
}

// neighbours returns the cores next to this one in the tree, none where there is no tree.
func (a *agreed) neighbours() (s cores.Set) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.machine != nil {
		s = a.machine.Neighbours()
	}
	return s
}

// epoch returns that of the view that this core has taken.
func (a *agreed) epoch() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.machine == nil {
		return 0
	}
	return a.machine.Epoch()
}
