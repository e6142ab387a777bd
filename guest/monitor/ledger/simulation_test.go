package ledger

import (
	"fmt"
	"runtime/debug"
	"slices"
	"testing"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/membership"
	"barreleye/guest/monitor/routes"
	"barreleye/guest/monitor/simulate"
	"barreleye/guest/monitor/simulate/seeds"
)

// message is what crosses a simulated channel.
type message struct {
	m        agreement.Message
	snapshot *agreement.Snapshot
}

// trial is a simulated multikernel whose cores cut, send and revoke what they share.
type trial struct {
	world *simulate.World[message]
	cores []node
	model *model
	now   int    // counts what happens
	next  uint64 // number of the next operation
	empty bool   // at the end all is deleted
	hands bool   // nothing is done but giving and handing over

	paths   map[ID][]step
	revoked map[agreement.Op]int // when

	mutation mutation
	done     map[kind]int // operations that took effect
}

type node struct {
	desk    *desk
	machine *agreement.Machine
	records [agreement.Window]agreement.Record
	life    int
	left    int // things to do
	ready   bool
	entered bool
	ops     map[uint64]agreement.Op // under way, by tag
}

// Boot implements simulate.Program.
func (t *trial) Boot(core int, view membership.View) {
	n := &t.cores[core]
	d := newDesk(t, core, n.life+1)
	*n = node{desk: d, life: n.life + 1, left: 4 + t.world.Choices.N(12), ops: map[uint64]agreement.Op{}}
	t.world.Note("core %d starts in view %d", core, view.Epoch)
	n.machine = agreement.New(core, t.mutation.of(d.ledger), view, t.world.Tree)
	t.do(core, n.machine.Start())
}

// Deliver implements simulate.Program.
func (t *trial) Deliver(core, from int, m message) {
	e := agreement.Event{Kind: agreement.EventMessage, From: from, Message: m.m}
	if m.snapshot != nil {
		t.world.Note("core %d gets the snapshot of core %d", core, from)
		e = agreement.Event{Kind: agreement.EventSnapshot, From: from, Snapshot: *m.snapshot}
	} else if t.world.Log != nil {
		t.world.Note("core %d gets %s of core %d", core, words(&m.m), from)
	}
	t.do(core, t.cores[core].machine.Step(&e))
}

func words(m *agreement.Message) string {
	name := [...]string{"?", "prepare", "decide", "apply", "vote", "done", "flushed", "here", "all here", "call"}[m.Kind]
	s := fmt.Sprintf("%s %d", name, m.Seq)
	if m.Op != "" {
		s += " " + Describe(m.Op)
	}
	if m.Yes {
		s += " yes"
	}
	return s
}

// View implements simulate.Program.
func (t *trial) View(core int, view membership.View) {
	t.world.Note("core %d sees view %d of %d cores, %d joins", core, view.Epoch, view.Members.Len(), view.Joining)
	t.do(core, t.cores[core].machine.Step(&agreement.Event{Kind: agreement.EventView, View: view,
		Records: func(dead int) [agreement.Window]agreement.Record { return t.cores[dead].records }}))
}

// Died implements simulate.Program.
func (t *trial) Died(core int) {
	t.world.Note("core %d dies", core)
	t.model.gone(core)
}

// Work implements simulate.Program.
func (t *trial) Work(core int) bool {
	n := &t.cores[core]
	if !n.ready || len(t.cores) > 100 && core%100 != 0 {
		return false // an operation costs thousands of messages
	}
	op, more := t.choose(n)
	if op != "" {
		t.begin(core, op)
	}
	return more
}

// choose returns what a core begins next, and whether there may be more.
func (t *trial) choose(n *node) (op agreement.Op, more bool) {
	d, c := n.desk, t.world.Choices
	var err error
	switch {
	case !d.ledger.Entered(d.core):
		if n.entered {
			return "", false
		}
		n.entered = true
		op, err = d.ledger.Enter()
		d.must(err)
		return op, false
	case len(d.asked) > 0:
		a := d.asked[0]
		d.asked = d.asked[1:]
		op, err = d.ledger.Yield(a.Core, a.Tag)
		d.must(err)
		return op, true
	case n.left > 0 && len(n.ops) > 0 && (len(d.refs) == 0 || c.N(3) == 0):
		return "", false
	case n.left > 0 && (len(d.drops) == 0 || c.N(2) == 0):
		n.left--
		for range 6 { // one that may be
			if op, err = d.act(); err == nil {
				return op, true
			}
		}
		return "", true
	case len(d.drops) > 0:
		if op, err = d.drop(); err != nil {
			return "", n.left > 0 // again once something has happened
		}
		return op, true
	case t.empty && len(d.refs) > 0:
		_, err := d.space.Delete(d.refs[c.N(len(d.refs))])
		d.must(err)
		d.left()
		return "", true
	}
	return "", false
}

func (t *trial) begin(core int, op agreement.Op) {
	n := &t.cores[core]
	t.next++
	n.ops[t.next] = op
	if o, ok := decode(op); !ok {
		t.world.Fail("core %d: %s", core, Describe(op))
	} else if o.makes() && o.kind != opShare {
		for i := range o.count {
			id, _ := o.made(i)
			if t.paths[id] = t.paths[o.entry]; o.kind != opPart { // which is as what it is a part of
				t.paths[id] = append(append([]step{}, t.paths[id]...), step{entry: id})
			}
		}
	}
	if t.world.Log != nil {
		t.world.Note("core %d begins: %s", core, Describe(op))
	}
	t.do(core, n.machine.Step(&agreement.Event{Kind: agreement.EventStart, Op: op, All: true, TwoPhases: true, Tag: t.next}))
}

// someone is another core that may be given something, -1 if there is none.
func (t *trial) someone(but int) int {
	start := t.world.Choices.N(len(t.cores))
	for i := range t.cores {
		c := (start + i) % len(t.cores)
		if c != but && t.cores[but].desk.ledger.Entered(c) {
			return c
		}
	}
	return -1
}

// do follows the ledger, and then does what the machine says, until the core dies.
func (t *trial) do(core int, list []agreement.Action) {
	n := &t.cores[core]
	late := t.mutation == followLate && slices.ContainsFunc(list, func(a agreement.Action) bool {
		return a.Kind == agreement.ActSend && a.Message.Kind == agreement.KindDone
	})
	if !late {
		n.desk.sync()
	}
	var moved ID // as this core decides
	for _, a := range list {
		if t.world.Dies(core) {
			return
		}
		switch a.Kind {
		case agreement.ActSend:
			if _, holds := n.desk.object[moved]; holds {
				t.world.Fail("core %d tells core %d that it moves %v, and holds it", core, a.To, moved)
			}
			t.world.Send(core, a.To, message{m: *a.Message})
		case agreement.ActSnapshot:
			t.world.Send(core, a.To, message{snapshot: a.Snapshot})
		case agreement.ActRecord:
			n.records[a.Slot] = *a.Record
			if o, ok := decode(a.Record.Op); ok && a.Record.Seq != 0 {
				if t.world.Log != nil {
					t.world.Note("  decided: %s", Describe(o.op))
				}
				t.model.take(&o)
				if t.done[o.kind]++; o.kind == opMove {
					moved = o.entry
				}
			}
		case agreement.ActResult:
			op := n.ops[a.Tag]
			delete(n.ops, a.Tag)
			if t.world.Log != nil {
				t.world.Note("  %s: %s", Describe(op), [...]string{"?", "committed", "refused", "busy", "too long"}[a.Outcome])
			}
			n.desk.ended(op, a.Outcome)
			if n.entered = n.desk.ledger.Entered(core); a.Outcome == agreement.TooLong {
				t.world.Fail("%s is too long", Describe(op))
			}
		case agreement.ActSettled:
			n.ready = true
			t.world.Settled(core, a.Epoch)
		}
	}
	if n.machine.Finish() {
		n.desk.sync()
	}
	t.world.Wake(core)
}

// noneLeft checks that a revocation that has ended is over everywhere.
func (t *trial) noneLeft(o *operation, by int) {
	when := t.revoked[o.op]
	for i := range t.cores {
		d := t.cores[i].desk
		if !t.world.Alive(i) {
			continue
		}
		for _, x := range d.space.Objects() {
			if len(x.Copies) == 0 || d.born[x.ID] >= when || !x.Extent.Overlaps(o.extent) {
				continue
			}
			path := d.path(x.ID)
			at := 0
			for at < len(path) && path[at].entry != o.entry {
				at++
			}
			below := at < len(path)-1 && x.Extent.Within(o.extent) && (i != by || path[at+1].entry != 0)
			same := at == len(path)-1 && i != by && x.Extent.Within(o.extent)
			if below || same {
				t.world.Fail("core %d has %v %v, which core %d has revoked: %s", i, x.Extent, path, by, Describe(o.op))
			}
		}
	}
}

// End checks what must hold once nothing moves.
func (t *trial) End() {
	saved := ""
	for i := range t.cores {
		if !t.world.Alive(i) {
			continue
		}
		n := &t.cores[i]
		l := n.desk.ledger
		n.desk.sync() // what a mutation has left
		if saved == "" {
			saved = string(l.Save(nil))
		}
		if got := string(l.Save(nil)); got != saved || len(l.prepared) > 0 || len(l.settling) > 0 || len(n.ops) > 0 || !n.ready {
			t.world.Fail("core %d: under way %d, prepared %v, revoked %v; it holds\n%v", i, len(n.ops), l.prepared, l.settling, l.Entries())
		}
		if err := t.model.compare(l); err != nil {
			t.world.Fail("%v", err)
		}
		if err := n.desk.check(); err != nil {
			t.world.Fail("%v", err)
		}
		if f := l.Free(); t.empty && (len(f) != 1 || f[0] != t.model.area) {
			t.world.Fail("core %d: all is deleted, %v is free, entries are %v", i, f, l.Entries())
		}
	}
}

// newTrial makes a simulation.
func newTrial(s simulate.Trial, m mutation) *trial {
	// One of the first cores lives on: where all die, all is forgotten.
	s.Deaths = min(s.Deaths, s.Cores-1)
	t := &trial{cores: make([]node, s.Cores), model: newModel(ram(0, 8*min(uint64(s.Cores), 8))), mutation: m,
		paths: map[ID][]step{}, revoked: map[agreement.Op]int{}, done: map[kind]int{}}
	t.empty = s.Seed%3 == 0
	t.hands = m == ownersUnlocked || m == strict // which take more than one accident
	t.world = simulate.New(s, t)
	return t
}

// ofSeed makes a simulation of a size that the seed makes.
func ofSeed(s simulate.Trial, m mutation) *trial {
	s.Size(2, 6, 100)
	s.Deaths, s.Returns = int(s.Seed/5%5), s.Seed%2 == 0
	if s.Seed/2%2 == 0 {
		s.Tree = routes.Balanced(s.Cores)
	}
	return newTrial(s, m)
}

func run(m mutation) seeds.Run {
	return func(s simulate.Trial) error { return ofSeed(s, m).world.Run() }
}

// TestSimulation lets cores take, cut, send, revoke, let go, and die at any step.
func TestSimulation(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // each run is garbage, and small
	seeds.Test(t, 10_000, run(correct))
}

// TestLargest runs 1,024 cores.
func TestLargest(t *testing.T) {
	if testing.Short() {
		t.Skip("seconds of work")
	}
	s := simulate.Trial{Cores: cores.Max, Deaths: 3, Returns: true, Tree: routes.Balanced(cores.Max), Choices: simulate.Seeded(1, false)}
	if err := newTrial(s, correct).world.Run(); err != nil {
		t.Fatal(err)
	}
}

// TestSimulationDoes: the simulation does what it is for, often.
func TestSimulationDoes(t *testing.T) {
	done := map[kind]int{}
	for seed := uint64(1); seed <= 200; seed++ {
		w := ofSeed(simulate.Trial{Seed: seed, Choices: simulate.Seeded(seed, false)}, correct)
		if err := w.world.Run(); err != nil {
			t.Fatal(err)
		}
		for k, n := range w.done {
			done[k] += n
		}
	}
	for k := opEnter; k < opEnd; k++ {
		t.Logf("%s: %d", verbs[k-First], done[k])
		if done[k] < 20 {
			t.Errorf("%s took effect %d times", verbs[k-First], done[k])
		}
	}
}
