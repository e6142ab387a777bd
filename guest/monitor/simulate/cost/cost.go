// Package cost says how long operations of package agreement take on many cores, each with
// a CPU of its own, where it is known what a message costs on two. The machines are the
// real ones; time is that of a model, so that the same costs give the same answer.
//
// The model knows one cost for all pairs of cores, which no large machine has, and no
// contention for anything but the cores.
package cost

import (
	"container/heap"
	"fmt"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/membership"
	"barreleye/guest/monitor/routes"
	"barreleye/urpc"
)

// Model is what things cost, in ns.
type Model struct {
	Begin float64 // an operation that asks nobody
	Say   float64 // of a line, what its sender's core computes
	Wire  float64 // from there until another core sees it
	Hear  float64 // what that computes
}

// Run is what to simulate: core 0 begins operations of a kind.
type Run struct {
	Cores      int
	TwoPhases  bool
	Tree       routes.Tree // none: core 0 speaks to every other core
	Operations int         // in all
	InFlight   int         // at once, at most agreement.Window
}

// Time returns how long all operations take together.
func (m Model) Time(r Run) (ns float64, err error) {
	view := membership.View{Epoch: 1, Members: cores.First(r.Cores), Joining: membership.Nobody}
	w := &world{model: m, run: r, at: make([]core, r.Cores)}
	for i := range w.at {
		w.at[i].machine = agreement.New(i, agrees{}, view, r.Tree)
		w.do(i, w.at[i].machine.Start())
	}
	for range min(r.InFlight, r.Operations) {
		w.begin()
	}
	for len(w.events) > 0 {
		e := heap.Pop(&w.events).(event)
		w.hear(&e)
	}
	if w.ended != r.Operations {
		return 0, fmt.Errorf("cost: %d of %d operations ended, %d refused", w.ended, r.Operations, w.refused)
	}
	return w.last, nil
}

// agrees is a state that allows everything.
type agrees struct{}

func (agrees) Prepare(agreement.Op) bool    { return true }
func (agrees) Commit(agreement.Op, bool)    {}
func (agrees) Late(agreement.Op, bool) bool { return true }
func (agrees) Abort(agreement.Op)           {}
func (agrees) Apply(agreement.Op)           {}
func (agrees) Gone(int)                     {}
func (agrees) Save(b []byte) []byte         { return b }
func (agrees) Load([]byte) error            { return nil }

// world is a run.
type world struct {
	model  Model
	run    Run
	at     []core
	events events
	order  uint64
	lines  []urpc.Message

	begun, ended, refused int
	last                  float64 // when the last operation ended
}

type core struct {
	machine *agreement.Machine
	free    float64 // from when on it has nothing to do
}

// event is a message that reaches a core.
type event struct {
	time     float64
	order    uint64 // of those at one time, and of one channel
	from, to int
	lines    int
	message  agreement.Message
}

type events []event

func (e events) Len() int      { return len(e) }
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }

func (e events) Less(i, j int) bool {
	return e[i].time < e[j].time || e[i].time == e[j].time && e[i].order < e[j].order
}

func (e *events) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}

// begin has core 0 begin an operation.
func (w *world) begin() {
	c := &w.at[0]
	w.begun++
	c.free += w.model.Begin
	w.do(0, c.machine.Step(&agreement.Event{
		Kind: agreement.EventStart, Op: "x", All: true, TwoPhases: w.run.TwoPhases, Tag: uint64(w.begun),
	}))
}

// hear has a core take a message once it has nothing else to do.
func (w *world) hear(e *event) {
	c := &w.at[e.to]
	c.free = max(c.free, e.time) + float64(e.lines)*w.model.Hear
	w.do(e.to, c.machine.Hear(e.from, &e.message))
}

// do has a core do what its machine says.
func (w *world) do(i int, list []agreement.Action) {
	c, ended := &w.at[i], 0
	for k := range list {
		a := &list[k]
		switch a.Kind {
		case agreement.ActSend:
			w.lines = a.Message.AppendLines(w.lines[:0])
			c.free += float64(len(w.lines)) * w.model.Say
			w.order++
			heap.Push(&w.events, event{c.free + w.model.Wire, w.order, i, a.To, len(w.lines), *a.Message})
		case agreement.ActResult:
			if a.Outcome != agreement.Committed {
				w.refused++
				continue
			}
			w.last = c.free
			ended++
		}
	}
	for range ended { // the list is the machine's until here
		if w.ended++; w.begun < w.run.Operations {
			w.begin()
		}
	}
}
