package names

import (
	"fmt"
	"testing"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/membership"
	"barreleye/guest/monitor/simulate"
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
	*n = node{registry: r, machine: agreement.New(core, r, view), life: n.life + 1, left: 8}
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
	t.do(core, t.cores[core].machine.Step(&agreement.Event{Kind: agreement.EventView, View: view,
		Records: func(dead int) [agreement.Window]agreement.Record { return t.cores[dead].records }}, nil))
}

func (t *trial) Died(int) {}

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
	t.do(core, n.machine.Step(&agreement.Event{Kind: agreement.EventStart, Op: op, All: true, TwoPhases: TwoPhases(op)}, nil))
	return true
}

func (t *trial) do(core int, list []agreement.Action) {
	n := &t.cores[core]
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
		case agreement.ActSettled:
			n.holder = true
			t.world.Settled(core, a.Epoch)
		}
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
		for name, c := range n.registry.locks {
			if !t.world.Alive(c) {
				t.world.Fail("core %d: lock %s is held by core %d, which is dead", i, name, c)
			}
		}
	}
}

// TestSimulation lets cores take, leave and die holding names.
func TestSimulation(t *testing.T) {
	seeds := uint64(2000)
	if testing.Short() {
		seeds = 200
	}
	for seed := range seeds {
		n := 2 + int(seed%6)
		w := &trial{cores: make([]node, n)}
		w.world = simulate.New[message](n, simulate.Seeded(seed, false), w)
		w.world.Deaths, w.world.Returns = int(seed/6%5), seed%2 == 0
		err := w.world.Run(500_000)
		if err == nil {
			w.end()
			err = w.world.Fault()
		}
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}
