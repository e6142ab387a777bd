package agreement

import "barreleye/guest/monitor/cores"

// phase is how far an own operation is.
type phase uint8

const (
	free     phase = iota // there is none in this place
	voting                // two phases: who answers Prepare is counted
	deciding              // it is decided and recorded: who answers Decide is counted
	applying              // one phase: it is recorded: who answers Apply is counted
	refusing              // two phases: it is refused, and the program knows: who answers Decide is counted
)

// operation is one of this core's own.
type operation struct {
	phase phase
	seq   uint64
	epoch uint64 // of the view in which it began
	op    Op
	all   bool
	to    cores.Set // without this core
	waits cores.Set // of those, who has not answered this phase
	tag   uint64
}

// begin starts an operation. This core's own state is asked first, so that what it
// does not allow costs no message.
func (m *Machine) begin(e *Event) {
	o := &m.own[m.next%Window]
	if len(e.Op) > MaxOp {
		m.result(e.Tag, 0, TooLong)
		return
	}
	if !m.holder || o.phase != free {
		m.result(e.Tag, 0, Busy)
		return
	}
	if e.TwoPhases && !m.state.Prepare(e.Op) {
		m.result(e.Tag, 0, Refused)
		return
	}
	to := m.view.Members
	if !e.All {
		to = e.To.And(&to)
	}
	*o = operation{phase: voting, seq: m.next, epoch: m.view.Epoch, op: e.Op, all: e.All, to: to, tag: e.Tag}
	o.to.Remove(m.self)
	m.next++
	mine := m.part(m.self)
	if e.TwoPhases {
		mine.note(o, prepared)
	} else {
		o.phase = applying
		m.record(o, o.stored())
		m.state.Apply(o.op)
		mine.note(o, ended)
	}
	m.ask(o)
}

// stored is what is recorded of the operation.
func (o *operation) stored() Record {
	return Record{Seq: o.seq, Epoch: o.epoch, Op: o.op, All: o.all, To: o.to, Apply: o.phase == applying}
}

func (m *Machine) record(o *operation, r Record) {
	m.list = append(m.list, Action{Kind: ActRecord, Slot: int(o.seq % Window), Record: r})
}

func (m *Machine) result(tag, seq uint64, outcome Outcome) {
	m.list = append(m.list, Action{Kind: ActResult, Tag: tag, Seq: seq, Outcome: outcome})
}

// ask asks all that take part what the phase asks.
func (m *Machine) ask(o *operation) {
	o.waits = o.to
	m.askWho(o)
	m.proceed(o)
}

// askWho asks those who owe an answer.
func (m *Machine) askWho(o *operation) {
	msg := Message{Seq: o.seq, Core: m.self, Epoch: m.view.Epoch, Set: o.waits}
	switch o.phase {
	case voting:
		msg.Kind, msg.Op, msg.All = KindPrepare, o.op, o.all
	case deciding, refusing:
		msg.Kind, msg.Yes = KindDecide, o.phase == deciding
	case applying:
		msg.Kind, msg.Op, msg.All = KindApply, o.op, o.all
	}
	m.ship(&msg)
}

// answer takes an answer. One to an operation that has ended, or of cores that owe none,
// counts for nothing.
func (m *Machine) answer(msg *Message) {
	o := &m.own[msg.Seq%Window]
	wanted := KindDone
	if o.phase == voting {
		wanted = KindVote
	}
	if o.phase == free || o.seq != msg.Seq || msg.Kind != wanted || o.waits.And(&msg.Set) == (cores.Set{}) {
		return
	}
	if msg.Kind == KindVote && !msg.Yes {
		m.refuse(o)
		return
	}
	o.waits = o.waits.Without(&msg.Set)
	m.proceed(o)
}

// proceed goes on to the next phase once all answers are there.
func (m *Machine) proceed(o *operation) {
	if o.waits != (cores.Set{}) {
		return
	}
	switch o.phase {
	case voting:
		o.phase = deciding
		m.record(o, o.stored()) // from here on it is committed, also if this core dies
		m.state.Commit(o.op, true)
		m.part(m.self).note(o, ended)
		m.ask(o)
		return
	case deciding, applying:
		m.record(o, Record{})
		m.result(o.tag, o.seq, Committed)
	}
	o.phase = free
	m.flush()
}

// refuse ends an operation that some core does not allow. The program need not wait for
// the others to hear of it. Who does not, because this core dies, finds no record.
func (m *Machine) refuse(o *operation) {
	o.phase = refusing
	m.state.Abort(o.op)
	m.part(m.self).note(o, ended)
	m.result(o.tag, o.seq, Refused)
	m.ask(o)
}

// reduce takes an operation on without the cores that have died, and asks the others again:
// what was under way in the view before is lost.
func (m *Machine) reduce(o *operation) {
	if o.phase == free {
		return
	}
	o.to = o.to.And(&m.view.Members)
	if o.waits = o.waits.And(&m.view.Members); o.waits != (cores.Set{}) {
		m.askWho(o)
		return
	}
	m.proceed(o)
}
