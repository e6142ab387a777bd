package agreement

import "barreleye/guest/monitor/cores"

// A message lives in one view. Who has seen a later one drops it: the coordinator that
// sees that view too asks again whoever it waits for, and all tell the sponsor again. Who
// has not seen the view yet holds the message until it has. So, in the view after which
// nobody dies or joins, every message goes the same way through the tree of cores that all
// live, and none is lost or overtaken; and what a core says in one life is never taken for
// what it says in another.
//
// Questions are split where ways part. Answers that are well are combined there: one goes
// on once all are there that were asked over this core. It remembers that for one view, and
// nobody depends on it: if it dies, that is another view.

// arrival is a message of a view to come.
type arrival struct {
	from int
	msg  Message
}

// mostHeld bounds what is held: more is not under way where all keep the protocol.
const mostHeld = 1 << 16

// asked is what was asked over this core.
type asked struct {
	coordinator int
	seq         uint64
	answer      Kind
}

// combined are the answers to it.
type combined struct {
	waits   cores.Set // who has not answered
	all     cores.Set
	refused bool // the coordinator knows by now: no other answer matters
}

// receive takes what comes from a neighbour.
func (m *Machine) receive(from int, msg *Message) {
	switch {
	case msg.Epoch < m.view.Epoch:
		return
	case msg.Epoch > m.view.Epoch:
		if len(m.held) < mostHeld {
			m.held = append(m.held, arrival{from, *msg})
		}
		return
	case !m.view.Members.Has(from) || !m.view.Members.Has(msg.Core):
		return // no machine says that
	}
	if msg.question() {
		if msg.Core == m.self {
			return
		}
		if !msg.Set.Empty() {
			m.ship(msg)
			if !msg.Set.Has(m.self) {
				return
			}
		}
	} else {
		if msg.Set.Empty() {
			msg.Set.Add(from)
		}
		if msg.Core != m.self {
			m.combine(msg)
			return
		}
	}
	switch msg.Kind {
	case KindPrepare:
		m.prepare(msg.Core, msg)
	case KindDecide:
		m.decided(msg.Core, msg)
	case KindApply:
		m.apply(msg.Core, msg)
	case KindVote, KindDone:
		m.answer(msg)
	case KindFlushed:
		m.hear(&msg.Set)
	case KindHere, KindAllHere:
		m.heardHere(msg)
	case KindCall:
		if from := msg.Set.Lowest(); m.view.Members.Has(from) { // else no machine says that
			m.do(ActCalled).To = from
		}
	}
}

// ship sends another core's question on its ways, and has the answers combined.
func (m *Machine) ship(msg *Message) {
	set := msg.Set.And(&m.view.Members)
	others := set
	others.Remove(m.self)
	delete(m.combined, asked{msg.Core, msg.Seq, KindVote})
	if others.Empty() {
		return
	}
	m.combined[asked{msg.Core, msg.Seq, msg.Kind.answer()}] = &combined{waits: set, all: set}
	out := m.message(msg.Kind, msg.Core, msg.Seq)
	out.Yes, out.All, out.Op = msg.Yes, msg.All, msg.Op
	m.spread(out, &others)
}

// spread sends a question to other cores, over the neighbours on the ways there.
func (m *Machine) spread(msg *Message, to *cores.Set) {
	if m.tree.Direct() {
		for c := range to.All() {
			m.send(c, msg)
		}
		return
	}
	for hop, part := range m.table.Split(to) {
		out := msg
		if part != nil {
			out = m.message(msg.Kind, msg.Core, msg.Seq)
			*out = *msg
			out.Set = *part
		}
		m.send(hop, out)
	}
}

// combine sends an answer on, with the others if it is well and they were asked over this
// core.
func (m *Machine) combine(msg *Message) {
	if m.tree.Direct() {
		m.send(msg.Core, msg)
		return
	}
	if len(m.combined) > 0 && !m.collect(msg) {
		return
	}
	if hop := m.table.Next(msg.Core); hop >= 0 {
		if msg.Set.Only(m.self) {
			msg.Set.Clear() // that is obvious
		}
		m.send(hop, msg)
	}
}

// collect adds an answer to those with which it goes on, and reports whether all are there,
// or it goes alone.
func (m *Machine) collect(msg *Message) bool {
	key := asked{msg.Core, msg.Seq, msg.Kind}
	if c := m.combined[key]; c != nil {
		if msg.Set.Empty() {
			msg.Set.Add(m.self)
		}
		if c.refused {
			return false
		}
		if c.refused = msg.Kind == KindVote && !msg.Yes; !c.refused {
			if c.waits.Subtract(&msg.Set); !c.waits.Empty() {
				return false
			}
			delete(m.combined, key)
			msg.Set = c.all
		}
	}
	return true
}

// send sends a message to a neighbour.
func (m *Machine) send(hop int, msg *Message) {
	a := m.do(ActSend)
	a.To, a.Message = hop, msg
}

// reroute takes the ways of a new view.
func (m *Machine) reroute() {
	m.table = m.tree.Table(m.self, &m.view.Members)
	m.others = m.view.Members
	m.others.Remove(m.self)
	clear(m.combined)
	m.here, m.arrived = cores.Set{}, false
}

// release takes what was held for today's view.
func (m *Machine) release() {
	held := m.held
	m.held = nil
	for i := range held {
		m.Finish()
		m.receive(held[i].from, &held[i].msg)
	}
}
