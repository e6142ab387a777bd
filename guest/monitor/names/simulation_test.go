package names

import (
	"fmt"
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

// trial is a simulated multikernel whose cores fight for a few names.
type trial struct {
	world *simulate.World[message]
	cores []node

	mutation mutation
}

type node struct {
	registry *Registry
	machine  *agreement.Machine
	records  [agreement.Window]agreement.Record
	life     int
	left     int
	waits    int
	holder   bool // it has said that it settled a view
}

func (t *trial) Boot(core int, view membership.View) {
	n := &t.cores[core]
	r := New()
	*n = node{registry: r, machine: agreement.New(core, &replica{r, t.mutation}, view, t.world.Tree), life: n.life + 1, left: 8}
	if len(t.cores) > 100 && core%100 != 0 {
		n.left = 0 // an operation costs thousands of messages
	}
	t.world.Note("core %d begins life %d", core, n.life)
	t.do(core, n.machine.Start())
}

func (t *trial) Deliver(core, from int, m message) {
	e := agreement.Event{Kind: agreement.EventMessage, From: from, Message: m.m}
	if m.snapshot != nil {
		e = agreement.Event{Kind: agreement.EventSnapshot, From: from, Snapshot: *m.snapshot}
	}
	t.do(core, t.cores[core].machine.Step(&e))
}

func (t *trial) View(core int, view membership.View) {
	t.world.Note("core %d sees view %d of cores %v", core, view.Epoch, slices.Collect(view.Members.All()))
	t.do(core, t.cores[core].machine.Step(&agreement.Event{Kind: agreement.EventView, View: view,
		Records: func(dead int) [agreement.Window]agreement.Record { return t.cores[dead].records }}))
}

func (t *trial) Died(core int) { t.world.Note("core %d dies", core) }

func (t *trial) Work(core int) bool {
	n, c := &t.cores[core], t.world.Choices
	if n.left == 0 {
		return false
	}
	n.left--
	n.waits++
	name := fmt.Sprint("n", c.N(3))
	ops := []agreement.Op{
		must(Export(core, name, uint64(n.life))), must(Withdraw(core, name)),
		must(Lock(core, name)), must(Unlock(core, name)), must(Publish(core, name, "text")),
		must(Arrive(core, name, uint64(8-n.left))),
	}
	op := ops[c.N(len(ops))]
	t.world.Note("core %d wants to %s", core, Describe(op))
	t.do(core, n.machine.Step(&agreement.Event{Kind: agreement.EventStart, Op: op, All: true, TwoPhases: TwoPhases(op)}))
	return true
}

func (t *trial) do(core int, list []agreement.Action) {
	n := &t.cores[core]
	t.see(core)
	for _, a := range list {
		if t.world.Dies(core) {
			return
		}
		switch a.Kind {
		case agreement.ActSend:
			t.world.Send(core, a.To, message{m: *a.Message})
		case agreement.ActSnapshot:
			t.world.Send(core, a.To, message{snapshot: a.Snapshot})
		case agreement.ActRecord:
			n.records[a.Slot] = *a.Record
		case agreement.ActResult:
			n.waits--
			t.world.Note("  core %d: %s", core, outcomes[a.Outcome])
		case agreement.ActSettled:
			n.holder = true
			t.world.Settled(core, a.Epoch)
		}
	}
	n.machine.Finish()
	t.see(core)
}

// see notes what a core has seen.
func (t *trial) see(core int) {
	for _, c := range t.cores[core].registry.Changes() {
		t.world.Note("  core %d sees: %s", core, describe(&c))
	}
}

var (
	outcomes = [...]string{agreement.Committed: "it is committed", agreement.Refused: "it is refused", agreement.Busy: "it is not begun"}
	happened = [...]string{Exported: "exported", Withdrawn: "withdrawn", Locked: "locked", Unlocked: "unlocked", Published: "published", Arrived: "arrived"}
)

func describe(c *Change) string {
	s := fmt.Sprintf("%q %s, core %d", c.Name, happened[c.Event], c.Core)
	if c.Text != "" {
		s += fmt.Sprintf(", %q", c.Text)
	}
	return s
}

// mutation is a way to keep names wrongly.
type mutation uint8

const (
	correct    mutation = iota
	goneNot             // the dead keep what they have
	unlocked            // what is being agreed on keeps nothing out
	saveNoLock          // a core that joins does not hear of locks
)

// replica is a core's registry, with a mutation.
type replica struct {
	*Registry
	mutation mutation
}

func (r *replica) Gone(core int) {
	if r.mutation != goneNot {
		r.Registry.Gone(core)
	}
}

func (r *replica) Prepare(op agreement.Op) bool {
	ok := r.Registry.Prepare(op)
	if r.mutation == unlocked {
		for _, a := range r.names {
			a.prepared = [2]bool{}
		}
	}
	return ok
}

func (r *replica) Save(b []byte) []byte {
	if r.mutation == saveNoLock {
		for _, a := range r.Registry.locks() {
			a.locked = false
			defer func() { a.locked = true }()
		}
	}
	return r.Registry.Save(b)
}

// End checks that all replicas are the same, and hold nothing for anybody who is dead.
func (t *trial) End() {
	want := ""
	for i := range t.cores {
		n := &t.cores[i]
		if !t.world.Alive(i) {
			continue
		}
		got := string(n.registry.Save(nil))
		if want == "" {
			want = got
		}
		if got != want || n.waits != 0 || !n.holder || n.registry.conflicts() != 0 {
			t.world.Fail("core %d: %d results missing, %d prepared, holds\n%+v\nothers\n%q", i, n.waits, n.registry.conflicts(), n.registry, want)
		}
		for _, a := range n.registry.services() {
			name, s := a.name, a.service
			if !t.world.Alive(s.Core) || s.Number != uint64(t.cores[s.Core].life) {
				t.world.Fail("core %d: service %s of core %d in life %d", i, name, s.Core, s.Number)
			}
		}
		for name, c := range n.registry.Locks() {
			if holder, held := n.registry.Holder(name); !t.world.Alive(c) || !held || holder != c {
				t.world.Fail("core %d: lock %s is held by core %d, alive %v", i, name, c, t.world.Alive(c))
			}
		}
		for name, b := range n.registry.Barriers() {
			for c, times := range b {
				if !t.world.Alive(c) || times > 8 || n.registry.Arrivals(name, c) != times {
					t.world.Fail("core %d: core %d, alive %v, was at barrier %s %d times", i, c, t.world.Alive(c), name, times)
				}
			}
		}
	}
}

// newTrial makes a simulation.
func newTrial(s simulate.Trial, m mutation) *trial {
	t := &trial{cores: make([]node, s.Cores), mutation: m}
	t.world = simulate.New(s, t)
	return t
}

// run runs a simulation of which all is given, and ofSeed one of a size that its seed makes.
func run(s simulate.Trial) error { return newTrial(s, correct).world.Run() }

func ofSeed(m mutation) seeds.Run {
	return func(s simulate.Trial) error {
		s.Size(2, 7, 100)
		s.Deaths, s.Returns = int(s.Seed/6%5), s.Seed%2 == 0
		if s.Seed/2%2 == 0 {
			s.Tree = routes.Balanced(s.Cores)
		}
		return newTrial(s, m).world.Run()
	}
}

// TestSimulation lets cores take, leave and die holding names.
func TestSimulation(t *testing.T) { seeds.Test(t, 10_000, ofSeed(correct)) }

func TestMutations(t *testing.T) {
	seeds.Mutations(t, 5000, map[string]mutation{"gone not": goneNot, "unlocked": unlocked, "save no lock": saveNoLock}, ofSeed)
}

// TestLargest runs 1,024 cores.
func TestLargest(t *testing.T) {
	if testing.Short() {
		t.Skip("a second's work")
	}
	if err := run(simulate.Trial{Cores: cores.Max, Deaths: 3, Returns: true, Choices: simulate.Seeded(1, false)}); err != nil {
		t.Fatal(err)
	}
}

// TestTranscripts shows what is agreed on in a few short runs, and what each replica then
// says has changed.
func TestTranscripts(t *testing.T) {
	seeds.Transcripts(t, map[string]simulate.Trial{
		"two-cores": {Cores: 2, Choices: simulate.Seeded(1, false)},
		"death":     {Cores: 3, Deaths: 1, Choices: simulate.Seeded(1196, false)},
		"return":    {Cores: 2, Deaths: 1, Returns: true, Choices: simulate.Seeded(1570, false)},
	}, run)
}
