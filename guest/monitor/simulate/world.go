// Package simulate is a multikernel of up to 1,024 simulated cores, for the protocols
// between monitors: channels that keep their order but not that between each other,
// cores that die in the middle of a step and come back, views that everybody sees at
// another time, pauses longer than anything else takes. It has no clock and no
// randomness but its Choices, so that one seed replays a run, and Shrink makes it
// shorter.
package simulate

import (
	"fmt"

	"barreleye/guest/monitor/membership"
)

// Program is what runs on the cores: a protocol of messages M and its test.
type Program[M any] interface {
	// Boot begins a life of a core.
	Boot(core int, view membership.View)
	// Deliver takes a message.
	Deliver(core, from int, m M)
	// View takes a view.
	View(core int, view membership.View)
	// Work may begin something at a core. It reports false once it has no more to do: it is
	// asked again after Wake only.
	Work(core int) bool
	// Died says that a core is dead; its memory is what it was after its last action.
	Died(core int)
	// End checks what must hold once nothing moves any more. It calls Fail.
	End()
}

// World is one run. Deaths counts those that are still to come.
type World[M any] struct {
	Trial

	// Suspects has the VMM declare cores dead that it has not fenced. It must not:
	// tests show what happens then.
	Suspects bool

	program Program[M]
	keeper  *membership.Keeper
	cores   []core[M]
	full    []*link[M] // links with messages
	fault   error
	limit   int // of steps
}

type core[M any] struct {
	alive   bool
	fenced  bool            // the VMM knows
	seen    uint64          // epoch of its view
	coming  membership.View // the latest view, to be seen
	paused  int             // steps until it goes on
	out     map[int]*link[M]
	working bool
}

// link is one direction of a channel.
type link[M any] struct {
	from, to int
	queue    []M
	at       int // in full, -1 if there are no messages
}

// New makes the world of a trial: all its cores are members.
func New[M any](trial Trial, program Program[M]) *World[M] {
	n := trial.Cores
	return &World[M]{
		Trial: trial, program: program, limit: 500_000 + 20_000*n,
		keeper: membership.NewKeeper(n), cores: make([]core[M], n),
	}
}

// Fail ends the run with an error; the first one counts.
func (w *World[M]) Fail(format string, args ...any) {
	if w.fault == nil {
		w.fault = fmt.Errorf(format, args...)
	}
}

// Alive reports whether a core lives.
func (w *World[M]) Alive(core int) bool { return w.cores[core].alive }

// View returns the latest view.
func (w *World[M]) View() membership.View { return w.keeper.View() }

// Dies is called by the program between two actions of a core: it may die there, and
// then does nothing more.
func (w *World[M]) Dies(core int) bool {
	c := &w.cores[core]
	if c.alive && w.Deaths > 0 && w.Choices.One(60) {
		w.kill(core)
	}
	return !c.alive
}

func (w *World[M]) kill(core int) {
	w.Deaths--
	w.cores[core].alive = false
	w.program.Died(core)
}

// Send puts a message into the channel of two cores.
func (w *World[M]) Send(from, to int, m M) {
	if to < 0 || to >= len(w.cores) || to == from {
		w.Fail("core %d sends to core %d of %d", from, to, len(w.cores))
		return
	}
	c := &w.cores[from]
	l := c.out[to]
	if l == nil {
		l = &link[M]{from: from, to: to, at: -1}
		c.out[to] = l
	}
	l.queue = append(l.queue, m)
	if l.at < 0 {
		l.at = len(w.full)
		w.full = append(w.full, l)
	}
}

// drop forgets what is in a channel.
func (w *World[M]) drop(l *link[M]) {
	l.queue = nil
	if l.at >= 0 {
		last := w.full[len(w.full)-1]
		w.full[l.at], last.at = last, l.at
		w.full = w.full[:len(w.full)-1]
		l.at = -1
	}
}

// Settled says that a core has settled a view.
func (w *World[M]) Settled(core int, epoch uint64) {
	if w.keeper.Settled(core, epoch) {
		w.publish()
	}
}

// Wake has Work asked again at a core where it had no more to do.
func (w *World[M]) Wake(core int) { w.cores[core].working = true }

// publish makes the view of today visible to all members; a joining one starts.
func (w *World[M]) publish() {
	v := w.keeper.View()
	for i := range v.Members.All() {
		c := &w.cores[i]
		c.coming = v
		if c.fenced && v.Joining == i && v.JoinEpoch == v.Epoch {
			w.boot(i, v)
		}
	}
}

func (w *World[M]) boot(i int, v membership.View) {
	for j := range w.cores {
		if l := w.cores[j].out[i]; l != nil {
			w.drop(l) // sent to its former life
		}
	}
	for _, l := range w.cores[i].out {
		w.drop(l) // sent by it
	}
	w.cores[i] = core[M]{alive: true, seen: v.Epoch, coming: v, out: map[int]*link[M]{}, working: true}
	w.program.Boot(i, v)
}

// Run runs until nothing is left to do and returns the first fault. A run without an end
// fails.
func (w *World[M]) Run() error {
	v := w.keeper.View()
	for i := range w.cores {
		w.boot(i, v)
	}
	for steps := 0; w.fault == nil && w.step(); steps++ {
		if steps == w.limit {
			w.Fail("no end after %d steps", steps)
		}
	}
	if w.fault == nil {
		w.program.End()
	}
	return w.fault
}

// step lets one thing happen and reports whether there was one.
func (w *World[M]) step() bool {
	n := len(w.cores)
	switch w.Choices.N(8) {
	case 5:
		if w.lookAt(w.Choices.N(n)) {
			return true
		}
	case 6:
		if w.work(w.Choices.N(n)) {
			return true
		}
	case 7:
		if w.surprise(w.Choices.N(n)) {
			return true
		}
	}
	if w.deliver() {
		return true
	}
	// Nothing of that kind: take the first of the others there is.
	for i := range n {
		if w.lookAt(i) || w.fence(i) {
			return true
		}
	}
	for i := range n { // who cannot work yet may try for ever, while others do nothing
		if w.work(i) {
			return true
		}
	}
	for i := range n {
		if w.Returns && w.comeBack(i) {
			return true
		}
	}
	for i := range w.cores { // the longest pause ends
		if w.cores[i].paused > 0 {
			w.cores[i].paused = 0
			return true
		}
	}
	return false
}

// awake reports whether a core runs. Each time it is asked, a pause gets shorter.
func (w *World[M]) awake(c *core[M]) bool {
	if c.paused > 0 {
		c.paused--
	}
	return c.alive && c.paused == 0
}

// deliver takes a message out of some channel.
func (w *World[M]) deliver() bool {
	if len(w.full) == 0 {
		return false
	}
	start := w.Choices.N(len(w.full))
	for i := range w.full {
		l := w.full[(start+i)%len(w.full)]
		if !w.cores[l.to].alive {
			w.drop(l)
			return true
		}
		if !w.awake(&w.cores[l.to]) {
			continue
		}
		m := l.queue[0]
		if l.queue = l.queue[1:]; len(l.queue) == 0 {
			w.drop(l)
		}
		w.program.Deliver(l.to, l.from, m)
		return true
	}
	return false
}

// lookAt lets a core see the latest view. What the departed had sent it is not
// received any more.
func (w *World[M]) lookAt(i int) bool {
	c := &w.cores[i]
	if c.seen == c.coming.Epoch || !w.awake(c) {
		return false
	}
	c.seen = c.coming.Epoch
	for j := range w.cores {
		if l := w.cores[j].out[i]; l != nil && !c.coming.Members.Has(j) {
			w.drop(l)
		}
	}
	w.program.View(i, c.coming)
	return true
}

func (w *World[M]) work(i int) bool {
	c := &w.cores[i]
	if !c.working || !w.awake(c) {
		return false
	}
	c.working = w.program.Work(i)
	return true
}

// surprise is what a core does not do itself: it dies, pauses, is fenced, returns.
func (w *World[M]) surprise(i int) bool {
	switch w.Choices.N(4) {
	case 0:
		return w.fence(i)
	case 1:
		return w.Returns && w.comeBack(i)
	case 2:
		if w.cores[i].alive && w.Deaths > 0 {
			w.kill(i)
			return true
		}
	case 3:
		w.cores[i].paused = w.Choices.N(200)
		return true
	}
	return false
}

// fence is the VMM that has noticed a death.
func (w *World[M]) fence(i int) bool {
	c := &w.cores[i]
	suspected := c.alive && w.Suspects && w.Deaths > 0 && w.Choices.One(4)
	if c.alive && !suspected || c.fenced {
		return false
	}
	if suspected {
		w.Deaths--
	}
	c.fenced = true
	if w.keeper.Died(i) {
		w.publish()
	}
	return true
}

// comeBack is the VMM that starts a fenced core again.
func (w *World[M]) comeBack(i int) bool {
	c := &w.cores[i]
	if c.alive || !c.fenced || c.coming.Epoch == 0 {
		return false
	}
	c.coming = membership.View{} // it asks once
	if w.keeper.Returned(i) {
		w.publish()
	}
	return true
}
