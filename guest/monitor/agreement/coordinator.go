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
	Record // what there is once it is decided
	phase  phase
	waits  cores.Set // of To, who has not answered this phase
	tag    uint64
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
	o.Seq, o.Epoch, o.Op, o.All, o.Apply = m.next, m.view.Epoch, e.Op, e.All, !e.TwoPhases
	o.phase, o.tag = voting, e.Tag
	if o.To.Copy(&m.others); !e.All {
		o.To = e.To.And(&o.To)
	}
	m.next++
	mine := m.part(m.self)
	if e.TwoPhases {
		mine.note(o, prepared)
	} else {
		o.phase = applying
		mine.note(o, applied)
		m.record(o, &o.Record)
		m.decide(o)
		return
	}
	m.ask(o)
}

// decide has an operation that is recorded take effect here, and asks the others to do so.
func (m *Machine) decide(o *operation) {
	m.Finish() // of another one
	m.late = m.part(m.self).at(o.Seq)
	if o.To.Empty() || !m.state.Late(o.Op, true) {
		m.Finish()
	}
	m.ask(o)
}

// none is recorded where nothing is needed any more.
var none Record

func (m *Machine) record(o *operation, r *Record) {
	a := m.do(ActRecord)
	a.Slot, a.Record = int(o.Seq%Window), r
}

func (m *Machine) result(tag, seq uint64, outcome Outcome) {
	a := m.do(ActResult)
	a.Tag, a.Seq, a.Outcome = tag, seq, outcome
}

// ask asks all that take part what the phase asks.
func (m *Machine) ask(o *operation) {
	if o.waits.Copy(&o.To); o.waits.Empty() {
		m.proceed(o)
		return
	}
	m.askWho(o)
}

// askWho asks those who owe an answer.
func (m *Machine) askWho(o *operation) {
	msg := m.message(KindDecide, m.self, o.Seq)
	switch o.phase {
	case voting:
		msg.Kind, msg.Op, msg.All = KindPrepare, o.Op, o.All
	case applying:
		msg.Kind, msg.Op, msg.All = KindApply, o.Op, o.All
	default:
		msg.Yes = o.phase == deciding
	}
	m.spread(msg, &o.waits)
}

// answer takes an answer. One to an operation that has ended, or of cores that owe none,
// counts for nothing.
func (m *Machine) answer(msg *Message) {
	o := &m.own[msg.Seq%Window]
	wanted := KindDone
	if o.phase == voting {
		wanted = KindVote
	}
	if o.phase == free || o.Seq != msg.Seq || msg.Kind != wanted || !o.waits.Subtract(&msg.Set) {
		return
	}
	if msg.Kind == KindVote && !msg.Yes {
		m.refuse(o)
		return
	}
	m.proceed(o)
}

// proceed goes on to the next phase once all answers are there.
func (m *Machine) proceed(o *operation) {
	if !o.waits.Empty() {
		return
	}
	switch o.phase {
	case voting:
		o.phase = deciding
		m.record(o, &o.Record) // from here on it is committed, also if this core dies
		m.decide(o)
		return
	case deciding, applying:
		m.record(o, &none)
		m.result(o.tag, o.Seq, Committed)
	}
	o.phase = free
	m.flush()
}

// refuse ends an operation that some core does not allow. The program need not wait for
// the others to hear of it. Who does not, because this core dies, finds no record.
func (m *Machine) refuse(o *operation) {
	o.phase = refusing
	m.state.Abort(o.Op)
	m.part(m.self).end(o)
	m.result(o.tag, o.Seq, Refused)
	m.ask(o)
}

// reduce takes an operation on without the cores that have died, and asks the others again:
// what was under way in the view before is lost.
func (m *Machine) reduce(o *operation) {
	if o.phase == free {
		return
	}
	o.To = o.To.And(&m.view.Members)
	if o.waits = o.waits.And(&m.view.Members); !o.waits.Empty() {
		m.askWho(o)
		return
	}
	m.proceed(o)
}
