package agreement

import (
	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/membership"
)

// Window is how many operations of one coordinator may be under way at once.
const Window = 16

// Machine is one core's part.
type Machine struct {
	self   int
	state  State
	view   membership.View
	joined uint64 // epoch in which this core became a member; 0 for the first ones
	holder bool   // the state is here

	next  uint64            // sequence of the next own operation
	own   [Window]operation // by sequence
	parts map[int]*history  // by coordinator, this core included

	// While the state is not here (join.go):
	missed   []missed   // what took effect
	promises int        // operations agreed to, 0 or 1
	queue    []question // what was asked in the meantime
	snapshot *Snapshot  // of a view that this core has not seen yet

	flushed cores.Set
	early   map[int]uint64 // Flushed of views that this core has not seen yet
	owes    bool           // Flushed of today's view
	list    []Action       // of the present Step
}

// New returns the machine of core self, which starts with the given view: as one of
// the first members with the initial state, or as the joining one.
func New(self int, state State, view membership.View) *Machine {
	m := &Machine{self: self, state: state, view: view, next: 1, parts: map[int]*history{}, early: map[int]uint64{}}
	m.holder = view.Joining != self
	if !m.holder {
		m.joined = view.JoinEpoch
	}
	return m
}

// Start returns what to do first.
func (m *Machine) Start(list []Action) []Action {
	m.list = list
	m.settle()
	return m.list
}

// Step takes an event and appends what to do to list.
func (m *Machine) Step(e *Event, list []Action) []Action {
	m.list = list
	switch e.Kind {
	case EventStart:
		m.begin(e)
	case EventMessage:
		m.message(e.From, &e.Message)
	case EventSnapshot:
		joining := !m.holder
		if m.install(&e.Snapshot, &m.view.Members); joining && m.holder {
			m.settle()
		}
	case EventView:
		m.change(e)
	}
	return m.list
}

// View returns the view that it has taken last.
func (m *Machine) View() membership.View { return m.view }

// Under returns how many operations are under way that this core coordinates, and how many
// of others whose decision it waits for.
func (m *Machine) Under() (own, others int) {
	for i := range m.own {
		if m.own[i].phase != free {
			own++
		}
	}
	for c, h := range m.parts {
		for i := range h {
			if s := h[i].state; c != m.self && (s == prepared || s == promised) {
				others++
			}
		}
	}
	return own, others
}

// message takes what another core sent. A core outside the view says nothing more:
// what it had decided was read from its records.
func (m *Machine) message(from int, msg *Message) {
	if !m.view.Members.Has(from) && msg.Kind != KindFlushed {
		return
	}
	switch msg.Kind {
	case KindPrepare:
		m.prepare(from, msg)
	case KindDecide:
		m.decided(from, msg)
	case KindApply:
		m.apply(from, msg)
	case KindVote, KindDone:
		m.answer(from, msg)
	case KindFlushed:
		m.hear(from, msg.Seq)
	}
}

func (m *Machine) send(to int, msg Message) {
	m.list = append(m.list, Action{Kind: ActSend, To: to, Message: msg})
}

// change takes a new view.
func (m *Machine) change(e *Event) {
	if e.View.Epoch <= m.view.Epoch {
		return
	}
	gone := m.view.Members.Without(&e.View.Members)
	m.view = e.View
	m.owes = false // the view before; settle says what this one asks
	if s := m.snapshot; s != nil {
		// As its sponsor did: first those who had gone by then, then the others.
		m.snapshot = nil
		before := gone.Without(&s.Members)
		gone = gone.And(&s.Members)
		m.buryAll(&before, e)
		m.install(s, &s.Members)
	}
	m.buryAll(&gone, e)
	for i := range m.own {
		m.reduce(&m.own[i])
	}
	m.settle()
}

func (m *Machine) buryAll(dead *cores.Set, e *Event) {
	for c := range dead.All() {
		m.bury(c, e.Records(c))
	}
}

// settle does what a view asks beyond burying: it has a state given to the joining
// core, and tells the VMM.
func (m *Machine) settle() {
	if !m.holder && m.view.Joining == m.self && m.view.Sponsor() == membership.Nobody {
		m.holder = true // nobody is left who has a state: it begins anew
		m.missed = nil
	}
	if !m.holder {
		return
	}
	m.flushed = cores.Set{}
	if m.owes = m.view.Joining != membership.Nobody && m.view.Joining != m.self; m.owes {
		for c, epoch := range m.early {
			if epoch == m.view.Epoch {
				m.flushed.Add(c)
			}
		}
		m.flush()
	}
	m.list = append(m.list, Action{Kind: ActSettled, Epoch: m.view.Epoch})
}
