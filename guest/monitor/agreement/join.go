package agreement

import (
	"slices"

	"barreleye/guest/monitor/cores"
)

// A core joins while operations go on:
//
//   - Operations that began before its epoch do not include it. Each holder tells the
//     sponsor once its own have ended (KindFlushed); then all of them are part of the
//     sponsor's state.
//   - Operations of all cores that begin in its epoch or later include it. Until it has
//     the state, it agrees to all of them, and keeps what took effect. It holds nothing
//     that could be in conflict, and their coordinators ask each other too; but it must
//     learn in which order two that are in conflict took effect. So it agrees to one at
//     a time, and answers the next when that has ended. No other core ever waits, so
//     nothing waits in a circle.
//   - The sponsor sends its committed state, and how far it was in every coordinator's
//     operations. The joining core adds what it kept and the state lacks.
//
// When the sponsor dies, the next view has another one, and all holders tell that.

// Snapshot is the state of a sponsor in a view. What the departed had decided is part
// of it.
type Snapshot struct {
	Epoch   uint64
	Members cores.Set
	State   []byte
	Parts   map[int][Window]Ended // by coordinator
}

// Ended is the latest operation in one place of a coordinator's window in which the
// sponsor took part, whether it has ended, and whether it is one of all cores.
type Ended struct {
	Seq        uint64
	Ended, All bool
}

// holds reports whether the snapshot's state knows how an operation of all cores ended.
func (s *Snapshot) holds(from int, seq uint64) bool {
	if !s.Members.Has(from) {
		return true
	}
	e := s.Parts[from][seq%Window]
	return e.Seq > seq || e.Seq == seq && e.Ended
}

// missed is an operation of all cores that took effect before this core had the state.
type missed struct {
	from  int
	seq   uint64
	op    Op
	apply bool // of one phase
}

// take makes an operation that this core's state was not asked for take effect, or
// keeps it until the state is here.
func (m *Machine) take(o missed) {
	switch {
	case !m.holder:
		m.missed = append(m.missed, o)
	case o.apply:
		m.state.Apply(o.op)
	default:
		m.state.Commit(o.op, false)
	}
}

// flush tells the sponsor, once, that no own operation from before the join is under
// way.
func (m *Machine) flush() {
	if !m.owes {
		return
	}
	for i := range m.own {
		if m.own[i].phase != free && m.own[i].Epoch < m.view.JoinEpoch {
			return
		}
	}
	m.owes = false
	sponsor := m.view.Sponsor()
	if sponsor == m.self {
		m.hear(&cores.Set{})
		return
	}
	m.combine(m.message(KindFlushed, sponsor, m.view.Epoch))
}

// hear notes that others have flushed, and sends the snapshot after the last one.
func (m *Machine) hear(who *cores.Set) {
	if m.view.Sponsor() != m.self {
		return
	}
	m.flushed = m.flushed.Or(who)
	holders := m.view.Holders()
	holders.Remove(m.self)
	if m.owes || holders.Without(&m.flushed) != (cores.Set{}) {
		return
	}
	s := &Snapshot{Epoch: m.view.Epoch, Members: m.view.Members, State: m.state.Save(nil), Parts: map[int][Window]Ended{}}
	for c, h := range m.parts {
		if h == nil {
			continue
		}
		var w [Window]Ended
		for i, e := range h {
			w[i] = Ended{e.seq, e.state == ended, e.all}
		}
		s.Parts[c] = w
	}
	a := m.do(ActSnapshot)
	a.To, a.Snapshot = m.view.Joining, s
}

// install takes the state in the view in which it was saved: this core must have settled
// what the departed left as the sponsor had. In a later view the sponsor sends another one.
// A second state says nothing new.
func (m *Machine) install(s *Snapshot) {
	switch {
	case m.holder || s.Epoch < m.view.Epoch:
		return
	case s.Epoch > m.view.Epoch:
		if m.snapshot == nil || m.snapshot.Epoch < s.Epoch {
			kept := *s         // whoever has the event may use it again
			m.snapshot = &kept // a sponsor that died since may be heard later than the next one
		}
		return
	}
	if err := m.state.Load(s.State); err != nil {
		return // the sponsor is broken; the VMM sees who does not settle
	}
	m.holder = true
	for _, o := range m.missed {
		if !s.holds(o.from, o.seq) {
			m.take(o)
		}
	}
	m.missed = nil
	m.adopt(s)
	m.askNext()
	m.settle()
}

// adopt brings this core's part in every operation to what its new state holds: what
// has ended there must not take effect here again, and what was agreed to without a
// state is asked of it now.
func (m *Machine) adopt(s *Snapshot) {
	for c, window := range s.Parts {
		h := m.part(c)
		for i, w := range window {
			if e := &h[i]; w.All && w.Ended && w.Seq > e.seq {
				e.set(w.Seq, ended, "", true)
			}
		}
	}
	m.promises = 0
	for c, h := range m.parts {
		if h == nil {
			continue
		}
		for i := range h {
			e := &h[i]
			switch {
			case e.state != promised:
			case s.holds(c, e.seq):
				e.state = ended
			case m.state.Prepare(e.op):
				e.state = prepared
			default:
				e.state = refused // as at all holders, so it will not be
			}
		}
	}
}

// question is a KindPrepare that waits.
type question struct {
	from int
	msg  Message
}

// askNext answers what waits, as far as it may be answered.
func (m *Machine) askNext() {
	for len(m.queue) > 0 && (m.holder || m.promises == 0) {
		q := m.queue[0]
		m.queue = m.queue[1:]
		m.prepare(q.from, &q.msg)
	}
}

// forget drops what waits of a coordinator: about one operation, or about all (0).
func (m *Machine) forget(from int, seq uint64) {
	if len(m.queue) > 0 {
		m.queue = slices.DeleteFunc(m.queue, func(q question) bool {
			return q.from == from && (seq == 0 || q.msg.Seq == seq)
		})
	}
}
