package monitor

import (
	"context"
	"errors"
	"slices"
	"sync"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/membership"
	"barreleye/guest/monitor/names"
	"barreleye/guest/monitor/replica"
	"barreleye/guest/monitor/routes"
	"barreleye/urpc"
	"barreleye/urpc/trace"
)

// Shared is what agreement has in the shared region: the members, which the VMM writes, and
// what each core has decided.
type Shared interface {
	// Members returns who they are now, and the view in which this core begins that has
	// seen none.
	Members() (now, first membership.View)
	// Record stores a record in a place of this core, Records reads those of one that was
	// fenced.
	Record(place int, r *agreement.Record)
	Records(core int) [agreement.Window]agreement.Record
	// Settled says that this core has settled the view of an epoch.
	Settled(epoch uint64)
}

// ErrTooLong says that what was to be agreed on does not fit a decision record.
var ErrTooLong = errors.New("too long to be agreed on")

// agreed wires the protocol of package agreement to the monitors' channels, and to the
// state that it keeps.
type agreed struct {
	core   int
	shared Shared
	tree   routes.Tree
	ears   *ears

	monitor *Monitor
	calls   cores.Set // cores to be called once there is a machine

	mu      *sync.Mutex // the monitor's
	state   *replica.State
	caps    *capabilities
	machine *agreement.Machine // nil until this core is a member
	ready   bool               // its state is here
	line    urpc.Message       // of the last message, where one was enough
	lines   []urpc.Message     // of the last one that took more
	early   []agreement.Event  // what came before the machine was there
	peers   []speech
	later   bool // whoever has it step tells the peers afterwards

	under   [agreement.Window]*request // that are under way: an operation's tag is its place
	spare   []*request                 // used before
	start   agreement.Event            // of the request that begins
	waiting []*request                 // until there is room for them, in order
	full    bool                       // there was no room for the last one
	changed chan struct{}              // closed when a name has changed; nil: nobody waits for that
	follows []*Subscription
	steps   steps
}

// speech is what is said to a peer: lines that have no channel yet are held.
type speech struct {
	out  *outbox
	held []urpc.Message

	asked agreement.Question // of this core, the last one
	lines uint64             // said until then
}

// request is an operation that this core's program wants.
type request struct {
	op     agreement.Op
	two    bool
	gaveUp bool // nobody waits any more: what it does is undone

	outcome agreement.Outcome
	over    bool          // there is one
	parked  bool          // somebody sleeps until there is
	wake    chan struct{} // has room for one
}

func newAgreed(mu *sync.Mutex, cfg *Config, open func(from int, tag uint64) bool) *agreed {
	a := &agreed{
		mu: mu, core: cfg.Core, shared: cfg.Shared, tree: cfg.Tree, state: replica.New(cfg.Core, cfg.SharedRAM), peers: make([]speech, cfg.Geometry.Cores),
		start: agreement.Event{Kind: agreement.EventStart, All: true},
	}
	a.caps = newCapabilities(a, cfg, open)
	return a
}

// look takes the view of today.
func (a *agreed) look() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.update(false)
}

// update takes the view of today, with mu held. In the first one there is nothing to do
// for a core whose program has no operation and that heard of none: it needs no machine.
func (a *agreed) update(needed bool) {
	now, first := a.shared.Members()
	if a.machine == nil {
		switch {
		case !now.Members.Has(a.core):
			return // it is not this core's turn yet
		case now.Epoch == 1 && !needed && a.tree.Direct():
			a.ready = true
			a.shared.Settled(1)
			return
		}
		a.machine = agreement.New(a.core, a.state, first, a.tree)
		a.follow(a.machine.Start())
	}
	a.step(&agreement.Event{Kind: agreement.EventView, View: now, Records: a.shared.Records})
	for peer := range a.peers {
		if !now.Members.Has(peer) {
			a.peers[peer].held = nil
		}
	}
	if calls := a.calls; calls != (cores.Set{}) {
		a.calls = cores.Set{}
		for c := range calls.All() {
			a.step(&agreement.Event{Kind: agreement.EventCall, From: c})
		}
	}
	a.moved()
	early := a.early
	a.early = nil
	for i := range early {
		a.step(&early[i])
	}
}

// hear takes a message of a peer, with mu held. Who calls it tells the peers what this core
// has said (ears.tell).
func (a *agreed) hear(from int, msg *agreement.Message) {
	if a.machine == nil {
		a.receive(&agreement.Event{Kind: agreement.EventMessage, From: from, Message: *msg})
		return
	}
	a.later = true
	if msg.Core == a.core {
		a.peers[from].answered(msg)
	}
	a.catchUp(msg.Epoch)
	a.follow(a.machine.Hear(from, msg))
	a.goOn()
	a.later = false
}

// receive takes a message or a snapshot likewise.
func (a *agreed) receive(e *agreement.Event) {
	a.later = true
	if a.machine == nil {
		a.early = append(a.early, *e)
		a.update(true)
	} else {
		a.catchUp(e.Of())
		a.step(e)
	}
	a.later = false
}

// catchUp takes the view of a peer that has seen one which this core has not looked at yet.
func (a *agreed) catchUp(epoch uint64) {
	if epoch > a.machine.Epoch() {
		a.update(true)
	}
}

// meet says that lines to a peer go into out from now on.
func (a *agreed) meet(peer int, out *outbox) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := &a.peers[peer]
	p.out, p.asked = out, agreement.Question{}
	for i := range p.held {
		out.put(&p.held[i])
	}
	p.held = nil
}

// left says that a peer's life is over, and its channel with it.
func (a *agreed) left(peer int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.peers[peer].out = nil
	a.tell() // barriers wait for it no longer
}

// step takes an event, with mu held.
func (a *agreed) step(e *agreement.Event) {
	a.follow(a.machine.Step(e))
	a.goOn()
}

// goOn does what may be possible after a step.
func (a *agreed) goOn() {
	if len(a.waiting) > 0 {
		a.proceed()
	}
	if a.state.Names.Changed() || a.caps.changed {
		a.announce()
	}
}

// heed brings what this core has to what the replica says.
func (a *agreed) heed() {
	if a.state.Ledger.Changed() || a.caps.check {
		a.caps.follow()
	}
}

// proceed launches what waits as far as there is room: none before this core is a member.
func (a *agreed) proceed() {
	if a.machine == nil {
		return
	}
	for a.full = false; !a.full && len(a.waiting) > 0; {
		place := slices.Index(a.under[:], nil)
		if place < 0 {
			break // one of those that end makes room
		}
		r := a.waiting[0]
		a.waiting = slices.Delete(a.waiting, 0, 1)
		a.launch(r, place)
	}
}

// launch has the machine start a request, whose place is free.
func (a *agreed) launch(r *request, place int) {
	a.under[place] = r
	a.start.Op, a.start.TwoPhases, a.start.Tag = r.op, r.two, uint64(place)
	a.follow(a.machine.Step(&a.start))
}

// announce says what has changed.
func (a *agreed) announce() {
	changes := a.state.Names.Changes()
	for i := range changes {
		for _, s := range a.follows {
			s.take(&changes[i])
		}
	}
	a.caps.changed = false
	a.tell()
}

// tell wakes who waits for a change, with mu held.
func (a *agreed) tell() {
	if a.changed != nil {
		close(a.changed)
		a.changed = nil
	}
}

// follow brings what this core has to what the replica says, and then does what the machine
// says, with mu held: who is told that something took effect may rely on it.
func (a *agreed) follow(list []agreement.Action) {
	a.heed()
	traced := trace.On(trace.Agree)
	for i := range list {
		do := &list[i]
		if traced {
			a.steps.note(a.core, do)
		}
		switch do.Kind {
		case agreement.ActSend:
			p := &a.peers[do.To]
			if do.Message.Line(&a.line) {
				a.say(p, &a.line)
			} else {
				a.lines = do.Message.AppendLines(a.lines[:0])
				a.sayAll(p, a.lines)
			}
			p.said(a.core, do.Message)
		case agreement.ActSnapshot:
			a.sayAll(&a.peers[do.To], do.Snapshot.AppendLines(nil))
			do.Snapshot = nil // it is large
		case agreement.ActRecord:
			a.shared.Record(do.Slot, do.Record)
		case agreement.ActResult:
			a.ended(do.Tag, do.Outcome)
		case agreement.ActSettled:
			if !a.ready {
				a.ready = true
				a.tell()
			}
			a.shared.Settled(do.Epoch)
		default:
			a.met(do)
		}
	}
	if a.machine.Finish() {
		a.heed()
	}
}

// say says a line to a peer.
func (a *agreed) say(p *speech, l *urpc.Message) {
	switch {
	case p.out == nil:
		p.held = append(p.held, *l)
	case a.later:
		p.out.later(l)
	default:
		p.out.put(l)
	}
}

func (a *agreed) sayAll(p *speech, lines []urpc.Message) {
	for i := range lines {
		a.say(p, &lines[i])
	}
}

// said takes note of a question of this core: only those go out in its name.
func (p *speech) said(core int, m *agreement.Message) {
	if m.Core == core && p.out != nil {
		p.asked, p.lines = m.Question(), p.out.said
	}
}

// answered takes note of an answer: nobody need wake the peer for what it answers.
func (p *speech) answered(m *agreement.Message) {
	if p.out != nil && m.Answers(p.asked) {
		p.out.heard(p.lines)
	}
}

// ended says how a request ended.
func (a *agreed) ended(tag uint64, outcome agreement.Outcome) {
	r := a.under[tag]
	a.under[tag] = nil
	if outcome == agreement.Busy {
		a.waiting, a.full = slices.Insert(a.waiting, 0, r), true
		return
	}
	switch {
	case !r.gaveUp:
		r.outcome, r.over = outcome, true
		if r.parked {
			r.wake <- struct{}{}
		}
	case outcome == agreement.Committed:
		if undo := names.Undo(r.op); undo != "" {
			a.waiting = append(a.waiting, &request{op: undo, two: true, gaveUp: true})
		}
	}
}

// begin begins an operation, with mu held. What is to be said about it waits for await.
func (a *agreed) begin(op agreement.Op, two bool) *request {
	r := a.request()
	r.op, r.two = op, two
	a.later = true
	if a.machine != nil && len(a.waiting) == 0 && a.under[0] == nil {
		a.launch(r, 0) // as mostly
	} else if a.waiting = append(a.waiting, r); a.machine == nil {
		a.update(true)
	}
	a.goOn()
	a.later = false
	return r
}

// request returns a new one, or one that was used before.
func (a *agreed) request() *request {
	n := len(a.spare) - 1
	if n < 0 {
		return &request{wake: make(chan struct{}, 1)}
	}
	r := a.spare[n]
	a.spare = a.spare[:n]
	r.gaveUp, r.over, r.parked = false, false, false
	return r
}

// await returns true once a request is over, false once the context has ended before: then
// r.wake is yet to come. It begins and ends with mu held.
func (a *agreed) await(ctx context.Context, r *request) (over bool) {
	a.ears.await(func() bool { return r.over })
	if r.over {
		return true
	}
	r.parked = true
	a.mu.Unlock()
	select {
	case <-r.wake:
	case <-ctx.Done():
	}
	a.mu.Lock()
	if r.over && len(r.wake) > 0 {
		<-r.wake // the context has ended too
	}
	return r.over
}

// done returns how a request ended, which nobody uses any more.
func (a *agreed) done(r *request) agreement.Outcome {
	if len(a.spare) < agreement.Window {
		a.spare = append(a.spare, r)
	}
	return r.outcome
}

// agree has an operation on names agreed on by all cores. Where the context ends first, it is
// not begun, or takes effect or not, and is undone once it does (names.Undo).
func (a *agreed) agree(ctx context.Context, op agreement.Op) (agreement.Outcome, error) {
	a.mu.Lock()
	r := a.begin(op, names.TwoPhases(op))
	if a.await(ctx, r) {
		outcome := a.done(r)
		a.mu.Unlock()
		return outcome, nil
	}
	r.gaveUp = true
	a.waiting = slices.DeleteFunc(a.waiting, func(w *request) bool { return w == r })
	a.mu.Unlock()
	return 0, ctx.Err()
}
