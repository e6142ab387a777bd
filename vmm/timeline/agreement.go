package timeline

import (
	"fmt"
	"maps"
	"slices"

	"barreleye/guest/monitor/replica"
	"barreleye/urpc/trace"
)

// operations are those that cores agree on and that are under way. Each is a span of its
// coordinator and one of every other core, from its first answer to its last; its steps are
// slices of the monitors' tracks, with an arrow from each to those that answer it.
type operations map[opKey]*operation

// opKey names an operation.
type opKey struct{ coordinator, seq uint64 }

type operation struct {
	name    string
	asked   step         // the coordinator's last one
	answers []step       // to that
	begun   bool         // its coordinator's span is open
	taking  map[int]bool // those of others that are
}

// step is when a core did something.
type step struct {
	core int
	tsc  uint64
}

// stepNames are the slices' names.
var stepNames = [...]string{
	trace.AgreeBegin: "prepare", trace.AgreeApply: "apply", trace.AgreeVote: "vote", trace.AgreeDecide: "decide", trace.AgreeDone: "done",
	trace.AgreeEnd: "end", trace.AgreeRefused: "refused", trace.AgreeAlone: "alone",
}

// agree takes a step of an operation.
func (c *converter) agree(one *core, r record) {
	what, key := r.a&0xff, opKey{r.a >> 8 & 0xffff, r.b}
	asks := what == trace.AgreeBegin || what == trace.AgreeApply || what == trace.AgreeAlone
	answers := what == trace.AgreeVote || what == trace.AgreeDone
	if what >= uint64(len(stepNames)) || key.coordinator >= uint64(len(c.cores)) || answers == (int(key.coordinator) == one.index) {
		return // no monitor wrote it
	}
	op := c.operations[key]
	if op == nil {
		if !asks || len(c.operations) == maxChannels {
			return // its begin was lost, or it is over, or a broken core makes them up
		}
		op = &operation{name: "operation", taking: map[int]bool{}}
		c.operations[key] = op
	}
	if verb := replica.Verb(byte(r.a >> 24)); verb != "" {
		op.name = verb
	}
	one.step = max(r.tsc, one.step)
	now := step{one.index, one.step}
	one.step += shortest
	one.slice(c.w, trackMonitor, stepNames[what]+" "+op.name, now.tsc, one.step)
	switch {
	case asks || what == trace.AgreeDecide:
		c.follows(op.answers, now)
		if !op.begun {
			op.begun = true
			c.operation('b', op, key, now)
		}
		op.asked, op.answers = now, op.answers[:0]
	case answers:
		c.follows([]step{op.asked}, now)
		op.answers = append(op.answers, now)
		if !op.taking[now.core] {
			op.taking[now.core] = true
			c.operation('b', op, key, now)
		}
		if what == trace.AgreeDone {
			delete(op.taking, now.core)
			c.operation('e', op, key, step{now.core, one.step})
		}
	default:
		c.follows(op.answers, now)
		c.endOperation(key, step{now.core, one.step})
	}
}

// follows draws arrows from steps to the one that they led to.
func (c *converter) follows(from []step, to step) {
	for _, f := range from {
		if f.core != to.core && f.tsc <= to.tsc {
			c.flows.number++
			c.arrow('s', "agreement", trackMonitor, f.core, f.tsc)
			c.arrow('f', "agreement", trackMonitor, to.core, to.tsc)
		}
	}
}

// operation writes the begin or the end of a core's part.
func (c *converter) operation(phase byte, op *operation, key opKey, at step) {
	name := op.name
	if at.core != int(key.coordinator) {
		name += fmt.Sprintf(" (core %d)", key.coordinator)
	}
	w := c.w
	w.event(phase, at.core, trackMonitor, at.tsc, name)
	w.text("cat", "agreement")
	w.text("id", fmt.Sprintf("operation-%d-%d-%d", key.coordinator, key.seq, at.core))
	w.end(false)
}

// endOperation ends all of an operation's spans.
func (c *converter) endOperation(key opKey, at step) {
	op := c.operations[key]
	delete(c.operations, key)
	if op.begun {
		c.operation('e', op, key, step{int(key.coordinator), at.tsc})
	}
	for _, core := range slices.Sorted(maps.Keys(op.taking)) {
		c.operation('e', op, key, step{core, at.tsc})
	}
}

// endOperations ends those that are not over when the trace ends.
func (c *converter) endOperations(tsc uint64) {
	for key := range c.operations {
		c.endOperation(key, step{int(key.coordinator), tsc})
	}
}
