package agreement

// history is what this core did in the operations of one coordinator. A coordinator
// uses a place again only when the operation before has ended everywhere, so a later
// sequence in it says that too.
type history [Window]entry

// entry is this core's part in one operation.
type entry struct {
	seq   uint64
	state partState
	op    Op
	all   bool
}

// set replaces it, word by word: a struct that is put together elsewhere and copied waits until
// it has left the store buffer.
func (e *entry) set(seq uint64, state partState, op Op, all bool) {
	e.seq, e.state, e.op, e.all = seq, state, op, all
}

type partState uint8

const (
	prepared partState = 1 + iota // the state was asked and agreed
	promised                      // agreed without asking, because the state is not here yet
	refused                       // the state was asked and did not agree
	applied                       // of one phase: the coordinator's own, which is about to be
	ended
)

func (m *Machine) part(coordinator int) *history {
	h := m.parts[coordinator]
	if h == nil {
		h = &history{}
		m.parts[coordinator] = h
	}
	return h
}

func (h *history) at(seq uint64) *entry { return &h[seq%Window] }

// open reports whether an operation is new in its place. A coordinator that begins it
// while the one before is not over breaks the protocol: nothing is done for it.
func (e *entry) open(seq uint64) bool {
	return e.seq < seq && e.state != prepared && e.state != promised
}

// note keeps what this core does in an operation of its own that begins.
func (h *history) note(o *operation, s partState) { h.at(o.Seq).set(o.Seq, s, o.Op, o.All) }

// end says that what was noted has ended.
func (h *history) end(o *operation) { h.at(o.Seq).state = ended }

// prepare answers a coordinator's question.
func (m *Machine) prepare(from int, msg *Message) {
	e := m.part(from).at(msg.Seq)
	if e.open(msg.Seq) {
		switch {
		case msg.All && !m.holder && m.promises > 0:
			m.queue = append(m.queue, question{from, *msg}) // join.go says why
			return
		case msg.All && !m.holder:
			m.promises++
			e.set(msg.Seq, promised, msg.Op, true)
		case m.state.Prepare(msg.Op):
			e.set(msg.Seq, prepared, msg.Op, msg.All)
		default:
			e.set(msg.Seq, refused, msg.Op, msg.All)
		}
	}
	if e.seq == msg.Seq && e.state != ended {
		vote := m.message(KindVote, from, msg.Seq)
		vote.Yes = e.state != refused
		m.combine(vote)
	}
}

// decided ends an operation as its coordinator says.
func (m *Machine) decided(from int, msg *Message) {
	m.forget(from, msg.Seq)
	e := m.part(from).at(msg.Seq)
	if e.open(msg.Seq) {
		e.set(msg.Seq, ended, "", false) // refused elsewhere before it was asked here
	}
	if e.seq == msg.Seq {
		if e.state == prepared && msg.Yes && m.holder && m.state.Late(e.op, false) {
			m.late = e
		} else {
			m.conclude(from, e, msg.Yes)
		}
	}
	m.combine(m.message(KindDone, from, msg.Seq))
	m.askNext()
}

// effect makes what is late take effect.
func (m *Machine) effect() {
	e := m.late
	if e.state == applied {
		m.state.Apply(e.op)
	} else {
		m.state.Commit(e.op, true)
	}
	e.state, m.late = ended, nil
}

// conclude commits or aborts this core's part.
func (m *Machine) conclude(from int, e *entry, commit bool) {
	switch {
	case e.state == prepared && commit:
		m.state.Commit(e.op, true)
	case e.state == prepared:
		m.state.Abort(e.op)
	case e.state == promised:
		m.promises--
		if commit {
			m.take(missed{from: from, seq: e.seq, op: e.op})
		}
	}
	e.state = ended
}

// apply takes an operation of one phase, once.
func (m *Machine) apply(from int, msg *Message) {
	m.applyOnce(from, msg.Seq, msg.Op, msg.All)
	m.combine(m.message(KindDone, from, msg.Seq))
}

func (m *Machine) applyOnce(from int, seq uint64, op Op, all bool) {
	e := m.part(from).at(seq)
	if !e.open(seq) {
		return
	}
	e.set(seq, ended, op, all)
	if !all {
		m.state.Apply(op)
		return
	}
	m.take(missed{from: from, seq: seq, op: op, apply: true})
}

// bury settles the operations of a coordinator that died: what it had recorded takes
// effect, everything else does not.
func (m *Machine) bury(dead int, records [Window]Record) {
	m.forget(dead, 0)
	h := m.part(dead)
	for i := range records {
		r := &records[i]
		// Of a former life of this core, the new one knows nothing.
		if r.Seq == 0 || !r.To.Has(m.self) || r.Epoch < m.joined {
			continue
		}
		if r.Apply {
			m.applyOnce(dead, r.Seq, r.Op, r.All)
		} else if e := h.at(r.Seq); e.seq == r.Seq {
			m.conclude(dead, e, true)
		}
	}
	for i := range h {
		if e := &h[i]; e.state != ended && e.seq != 0 {
			m.conclude(dead, e, false)
		}
	}
	m.parts[dead] = nil
	m.state.Gone(dead)
	m.askNext()
}
