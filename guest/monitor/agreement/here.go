package agreement

import (
	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/routes"
)

// What goes over a tree beside operations; without one, monitors say it to each other
// directly. Like all messages these live in one view, and are said again in the next.
//
//   - Each core tells the one above it once itself and all below it are in today's view
//     (KindHere). The root then tells all that everybody is there (KindAllHere): two
//     messages for each channel of the tree.
//   - A core that has something for one that is no neighbour of its opens a channel to it,
//     and has it called (KindCall), so that it opens its end too.

// arrive says that this core, and all below it, are in today's view.
func (m *Machine) arrive() {
	if m.tree.Direct() || m.arrived {
		return
	}
	below := m.below()
	if below.Without(&m.here) != (cores.Set{}) {
		return
	}
	m.arrived = true
	if up := m.table.Above(); up != routes.None {
		m.tell(up, KindHere)
		return
	}
	m.allHere()
}

// allHere says that all members are in today's view.
func (m *Machine) allHere() {
	below := m.below()
	for c := range below.All() {
		m.tell(c, KindAllHere)
	}
	m.do(ActAllHere).Epoch = m.view.Epoch
}

func (m *Machine) below() cores.Set {
	s := m.table.Neighbours()
	if up := m.table.Above(); up != routes.None {
		s.Remove(up)
	}
	return s
}

// tell tells a neighbour something.
func (m *Machine) tell(neighbour int, kind Kind) {
	m.send(neighbour, m.message(kind, neighbour, m.view.Epoch))
}

// heardHere takes what neighbours say of who is there.
func (m *Machine) heardHere(msg *Message) {
	up := m.table.Above()
	switch {
	case msg.Kind == KindHere:
		m.here = m.here.Or(&msg.Set)
		m.arrive()
	case up != routes.None && msg.Set == cores.Of(up) && m.arrived:
		m.allHere()
	}
}

// call has a core called, now and in each view in which it is a member, until it leaves one.
func (m *Machine) call(core int) {
	if m.tree.Direct() || core == m.self {
		return
	}
	m.calls.Add(core)
	if m.view.Members.Has(core) {
		m.combine(m.message(KindCall, core, m.view.Epoch))
	}
}

// callAgain does that in a new view, for whoever has not left.
func (m *Machine) callAgain(gone *cores.Set) {
	m.calls = m.calls.Without(gone)
	for c := range m.calls.All() {
		m.call(c)
	}
}

// Neighbours returns the cores with which this one shares a channel in today's view; nothing is
// said of them where that is every core.
func (m *Machine) Neighbours() cores.Set { return m.table.Neighbours() }
