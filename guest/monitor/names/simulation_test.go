package names

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/membership"
	"barreleye/guest/monitor/routes"
	"barreleye/guest/monitor/simulate"
	"barreleye/guest/monitor/simulate/seeds"
	"barreleye/guest/monitor/simulate/transcript"
)

// message is what crosses a simulated channel.
type message struct {
	m        agreement.Message
	snapshot *agreement.Snapshot
}

// trial is a simulated multikernel whose cores fight for a few names.
type trial struct {
	world *simulate.World[message]
	tree  routes.Tree
	cores []node
	log   io.Writer // transcript, nil for none

	mutation mutation
}

// note writes a line of the transcript.
func (t *trial) note(format string, args ...any) {
	if t.log != nil {
		fmt.Fprintf(t.log, format+"\n", args...)
	}
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
	*n = node{registry: r, machine: agreement.New(core, &replica{r, t.mutation}, view, t.tree), life: n.life + 1, left: 8}
	if len(t.cores) > 100 && core%100 != 0 {
		n.left = 0 // an operation costs thousands of messages
	}
	t.note("core %d begins life %d", core, n.life)
	t.do(core, n.machine.Start(nil))
}

func (t *trial) Deliver(core, from int, m message) {
	e := agreement.Event{Kind: agreement.EventMessage, From: from, Message: m.m}
	if m.snapshot != nil {
		e = agreement.Event{Kind: agreement.EventSnapshot, From: from, Snapshot: *m.snapshot}
	}
	t.do(core, t.cores[core].machine.Step(&e, nil))
}

func (t *trial) View(core int, view membership.View) {
	t.note("core %d sees view %d of cores %v", core, view.Epoch, slices.Collect(view.Members.All()))
	t.do(core, t.cores[core].machine.Step(&agreement.Event{Kind: agreement.EventView, View: view,
		Records: func(dead int) [agreement.Window]agreement.Record { return t.cores[dead].records }}, nil))
}

func (t *trial) Died(core int) { t.note("core %d dies", core) }

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
	t.note("core %d wants to %s", core, Describe(op))
	t.do(core, n.machine.Step(&agreement.Event{Kind: agreement.EventStart, Op: op, All: true, TwoPhases: TwoPhases(op)}, nil))
	return true
}

func (t *trial) do(core int, list []agreement.Action) {
	n := &t.cores[core]
	for _, c := range n.registry.Changes() {
		t.note("  core %d sees: %s", core, describe(&c))
	}
	for _, a := range list {
		if t.world.Dies(core) {
			return
		}
		switch a.Kind {
		case agreement.ActSend:
			t.world.Send(core, a.To, message{m: a.Message})
		case agreement.ActSnapshot:
			t.world.Send(core, a.To, message{snapshot: &a.Snapshot})
		case agreement.ActRecord:
			n.records[a.Slot] = a.Record
		case agreement.ActResult:
			n.waits--
			t.note("  core %d: %s", core, outcomes[a.Outcome])
		case agreement.ActSettled:
			n.holder = true
			t.world.Settled(core, a.Epoch)
		}
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
		clear(r.prepared)
	}
	return ok
}

func (r *replica) Save(b []byte) []byte {
	if r.mutation == saveNoLock {
		held := r.locks
		r.locks = nil
		defer func() { r.locks = held }()
	}
	return r.Registry.Save(b)
}

// TestMutations: the simulation finds out each of them.
func TestMutations(t *testing.T) {
	for name, m := range map[string]mutation{"gone not": goneNot, "unlocked": unlocked, "save no lock": saveNoLock} {
		f := seeds.Find(1, 5000, func(seed uint64, c *simulate.Choices, log io.Writer) error {
			w := ofSeed(seed, c)
			w.mutation, w.log = m, log
			return w.run()
		})
		if f == nil {
			t.Errorf("%s is not found out", name)
			continue
		}
		t.Logf("%s: seed %d, %d choices: %.200v", name, f.Seed, f.Size(), f.ErrShort)
	}
}

// end checks that all replicas are the same, and hold nothing for anybody who is dead.
func (t *trial) end() {
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
		if got != want || n.waits != 0 || !n.holder || len(n.registry.prepared) != 0 {
			t.world.Fail("core %d: %d results missing, %d prepared, holds\n%+v\nothers\n%q", i, n.waits, len(n.registry.prepared), n.registry, want)
		}
		for name, s := range n.registry.services {
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

// trialOf makes a simulation of n cores.
func trialOf(n, deaths int, returns bool, c *simulate.Choices) *trial {
	t := &trial{cores: make([]node, n)}
	t.world = simulate.New[message](n, c, t)
	t.world.Deaths, t.world.Returns = deaths, returns
	return t
}

func (t *trial) run() error {
	if err := t.world.Run(500_000 + 20_000*len(t.cores)); err != nil {
		return err
	}
	t.end()
	return t.world.Fault()
}

// ofSeed makes a seed's simulation.
func ofSeed(seed uint64, c *simulate.Choices) *trial {
	n := 2 + int(seed%6)
	if seed%100 == 0 {
		n = 9 + int(seed/100%56)
	}
	t := trialOf(n, int(seed/6%5), seed%2 == 0, c)
	if seed/2%2 == 0 {
		t.tree = routes.Balanced(n)
	}
	return t
}

// TestSimulation lets cores take, leave and die holding names.
func TestSimulation(t *testing.T) {
	seeds.Test(t, 10_000, func(seed uint64, c *simulate.Choices, log io.Writer) error {
		w := ofSeed(seed, c)
		w.log = log
		return w.run()
	})
}

// TestLargest runs 1,024 cores.
func TestLargest(t *testing.T) {
	if testing.Short() {
		t.Skip("a second's work")
	}
	if err := trialOf(cores.Max, 3, true, simulate.Seeded(1, false)).run(); err != nil {
		t.Fatal(err)
	}
}

// TestTranscripts compares what is agreed on in a few short runs, and what each replica
// then says has changed, with what it was when somebody last read it.
func TestTranscripts(t *testing.T) {
	for name, w := range map[string]*trial{
		"two-cores": trialOf(2, 0, false, simulate.Seeded(1, false)),
		"death":     trialOf(3, 1, false, simulate.Seeded(1196, false)),
		"return":    trialOf(2, 1, true, simulate.Seeded(1570, false)),
	} {
		t.Run(name, func(t *testing.T) {
			var text strings.Builder
			w.log = &text
			if err := w.run(); err != nil {
				t.Fatal(err)
			}
			transcript.Compare(t, name, text.String())
		})
	}
}
