package agreement

import (
	"testing"

	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/membership"
	"barreleye/guest/monitor/routes"
)

// duo are two machines whose messages take no time.
type duo struct {
	machines [2]*Machine
	events   [2]Event
	ended    int
}

func newDuo() *duo {
	d := &duo{}
	view := membership.View{Epoch: 1, Members: cores.First(2), Joining: membership.Nobody}
	for c := range d.machines {
		d.machines[c] = New(c, &accepts{}, view, routes.Tree{})
		d.machines[c].Start()
	}
	return d
}

// step has a core take its event, and the other one what it says.
func (d *duo) step(core int) {
	list := d.machines[core].Step(&d.events[core])
	for i := range list {
		switch a := &list[i]; a.Kind {
		case ActSend:
			e := &d.events[a.To]
			e.Kind, e.From, e.Message = EventMessage, core, *a.Message
			d.step(a.To)
			return // it is all that was left to do
		case ActResult:
			d.ended++
		}
	}
}

func (d *duo) agree(two bool) {
	d.events[0] = Event{Kind: EventStart, Op: "op", All: true, TwoPhases: two}
	d.step(0)
}

// BenchmarkCommit is what the machines of a coordinator and of one participant compute for an
// operation, the state's work not included.
func BenchmarkCommit(b *testing.B) {
	for name, two := range map[string]bool{"one_phase": false, "two_phases": true} {
		b.Run(name, func(b *testing.B) {
			d := newDuo()
			b.ReportAllocs()
			for b.Loop() {
				d.agree(two)
			}
		})
	}
}

// TestCommitAllocates: an operation allocates nothing.
func TestCommitAllocates(t *testing.T) {
	d := newDuo()
	const runs = 1000
	if n := testing.AllocsPerRun(runs, func() { d.agree(true); d.agree(false) }); n != 0 {
		t.Errorf("an operation of each kind allocates %v objects", n)
	}
	if want := 2 * (runs + 1); d.ended != want {
		t.Errorf("%d operations have ended, want %d", d.ended, want)
	}
}
