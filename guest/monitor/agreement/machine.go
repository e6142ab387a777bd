package agreement

import (
	"slices"

	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/membership"
	"barreleye/guest/monitor/routes"
)

// Window is how many operations of one coordinator may be under way at once.
const Window = 16

// Machine is one core's part.
type Machine struct {
	self   int
	state  State
	view   membership.View
	others cores.Set // its members but this core
	joined uint64    // epoch in which this core became a member; 0 for the first ones
	holder bool      // the state is here

	next  uint64              // sequence of the next own operation
	own   [Window]operation   // by sequence
	parts [cores.Max]*history // by coordinator, this core included; nil: it has done nothing yet

	// While the state is not here (join.go):
	missed   []missed   // what took effect
	promises int        // operations agreed to, 0 or 1
	queue    []question // what was asked in the meantime
	snapshot *Snapshot  // of a view that this core has not seen yet

	flushed cores.Set // Flushed of today's view, where this core is the sponsor
	owes    bool      // Flushed of today's view

	// What goes from core to core (relay.go):
	tree     routes.Tree
	table    routes.Table // of today's view
	held     []arrival    // of views that this core has not seen yet
	combined map[asked]*combined

	// Who is there (here.go):
	here    cores.Set // who said that it is in today's view, with all below it
	arrived bool      // all below this core have
	calls   cores.Set // cores to be called

	late *entry // of what others are told before it takes effect here (State.Late)

	list []Action  // of the present Step, kept for the next
	said []Message // in it; it never grows
}

// New returns the machine of core self, which starts with the given view: as one of
// the first members with the initial state, or as the joining one. All cores have the same
// tree.
func New(self int, state State, view membership.View, tree routes.Tree) *Machine {
	m := &Machine{self: self, state: state, view: view, next: 1, tree: tree, combined: map[asked]*combined{}, said: make([]Message, 0, 2*Window)}
	m.reroute()
	m.holder = view.Joining != self
	if !m.holder {
		m.joined = view.JoinEpoch
	}
	return m
}

// Start returns what to do first.
func (m *Machine) Start() []Action {
	m.settle()
	m.arrive()
	return m.list
}

// Step takes an event and returns what to do, in a list that is good until the next Step.
func (m *Machine) Step(e *Event) []Action {
	m.Finish()
	m.list, m.said = m.list[:0], m.said[:0]
	switch e.Kind {
	case EventStart:
		m.begin(e)
	case EventMessage:
		m.receive(e.From, &e.Message)
	case EventSnapshot:
		m.install(&e.Snapshot)
	case EventView:
		m.change(e)
	case EventCall:
		m.call(e.From)
	}
	return m.list
}

// Hear is Step of a message from a core.
func (m *Machine) Hear(from int, msg *Message) []Action {
	m.Finish()
	m.list, m.said = m.list[:0], m.said[:0]
	m.receive(from, msg)
	return m.list
}

// Finish does what is left of the last Step, once its list was performed: nobody waits for it.
// It reports whether that was something.
func (m *Machine) Finish() bool {
	late := m.late != nil
	if late {
		m.effect()
	}
	return late
}

// do adds an action to the list, which mostly has room from the step before: what other kinds
// than that of the action use is left as it was there.
func (m *Machine) do(kind ActionKind) *Action {
	n := len(m.list)
	if n == cap(m.list) {
		m.list = slices.Grow(m.list, 1)
	}
	m.list = m.list[:n+1]
	a := &m.list[n]
	a.Kind = kind
	return a
}

// message returns a new message of this core, which is good until the next Step.
func (m *Machine) message(kind Kind, core int, seq uint64) *Message {
	var msg *Message
	if n := len(m.said); n < cap(m.said) {
		m.said = m.said[:n+1]
		msg = &m.said[n]
	} else {
		msg = new(Message) // this Step says more than most
	}
	msg.Kind, msg.Yes, msg.All, msg.Core, msg.Seq, msg.Epoch, msg.Op = kind, false, false, core, seq, m.view.Epoch, ""
	msg.Set.Clear()
	return msg
}

// Epoch returns that of the view that it has taken last.
func (m *Machine) Epoch() uint64 { return m.view.Epoch }

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
		if h == nil {
			continue
		}
		for i := range h {
			if s := h[i].state; c != m.self && (s == prepared || s == promised) {
				others++
			}
		}
	}
	return own, others
}

// change takes a new view.
func (m *Machine) change(e *Event) {
	if e.View.Epoch <= m.view.Epoch {
		return
	}
	gone := m.view.Members.Without(&e.View.Members)
	m.view = e.View
	m.reroute()
	m.owes = false // the view before; settle says what this one asks
	for c := range gone.All() {
		m.bury(c, e.Records(c))
	}
	for i := range m.own {
		m.reduce(&m.own[i])
	}
	m.Finish()
	m.settle()
	m.arrive()
	m.callAgain(&gone)
	if s := m.snapshot; s != nil {
		m.snapshot = nil
		m.install(s)
	}
	m.release()
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
	m.owes = m.view.Joining != membership.Nobody && m.view.Joining != m.self
	m.flush()
	m.do(ActSettled).Epoch = m.view.Epoch
}
