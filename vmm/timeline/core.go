package timeline

import (
	"fmt"
	"sort"

	"barreleye/urpc/trace"
)

// shortest is how long a message's slice is, in TSC cycles; an arrow needs one to
// begin and end at. One whose record comes sooner after the last is shown behind that.
const shortest = 20

// States of a core as its track shows them.
const (
	running = "running"
	polling = "polling"
	halted  = "halted"
)

// core is what is going on on one core.
type core struct {
	index   int
	known   bool // it has a name
	state   string
	since   uint64 // when the state began
	thread  uint64 // that runs, or ran last; 0: not known
	runs    bool   // it does
	started uint64 // when the thread began to run
	floor   uint64 // when the last life ended: nothing is older
	message uint64 // when the last message's slice ends
	step    uint64 // when the slice of the last step of an operation does
	marking uint64 // when the collector began to, 0: it does not
	spans   map[uint64]uint64
	names   []string
	rates   rates
}

// to changes the core's state.
func (c *core) to(w *writer, state string, tsc uint64) {
	if c.state == state {
		return
	}
	c.slice(w, trackState, c.state, c.since, tsc)
	c.state, c.since = state, tsc
}

// slice writes what lasted from one time to another, if it has a name.
func (c *core) slice(w *writer, track int, name string, from, to uint64) {
	if name == "" {
		return
	}
	w.event('X', c.index, track, from, name)
	w.duration(from, to)
	w.end(false)
}

// run says that a thread runs from now on.
func (c *core) run(thread, tsc uint64) {
	c.thread, c.runs, c.started = thread, true, tsc
}

// rest ends what the running thread did.
func (c *core) rest(w *writer, tsc uint64) {
	if c.runs && c.thread != 0 {
		c.slice(w, trackThreads, fmt.Sprintf("thread %d", c.thread), c.started, tsc)
	}
	c.runs = false
}

// at says that a thread is seen to run.
func (c *core) at(w *writer, thread, tsc uint64) {
	if c.runs && c.thread == thread {
		return
	}
	from := tsc
	if !c.runs && c.state == running {
		from = c.since // it was chosen when the core woke up
	}
	c.rest(w, from)
	c.run(thread, from)
}

// instant writes something that takes no time.
func (c *core) instant(w *writer, track int, tsc uint64, name string, args ...any) {
	w.event('i', c.index, track, tsc, name)
	w.text("s", "t")
	w.args()
	for i := 0; i+1 < len(args); i += 2 {
		switch v := args[i+1].(type) {
		case uint64:
			w.number(args[i].(string), v)
		case string:
			w.text(args[i].(string), v)
		}
	}
	w.end(true)
}

// driver takes a record of the CPU driver.
func (c *core) driver(w *writer, r record) {
	switch r.kind {
	case trace.Syscall:
		c.at(w, r.b, r.tsc)
		c.instant(w, trackDriver, r.tsc, syscallName(r.a), "thread", r.b)
	case trace.Exception:
		c.instant(w, trackDriver, r.tsc, fmt.Sprintf("exception %d", r.a), "rip", hex(r.b))
	case trace.Crash:
		c.instant(w, trackDriver, r.tsc, fmt.Sprintf("crash: exception %d", r.a), "rip", hex(r.b))
	case trace.Tick, trace.Doorbell:
		c.instant(w, trackDriver, r.tsc, r.kind.String(), "thread", r.b)
	case trace.Bell:
		c.instant(w, trackDriver, r.tsc, "ring", "core", r.a)
	case trace.Signal:
		c.instant(w, trackDriver, r.tsc, fmt.Sprintf("signal %d", r.a), "thread", r.b)
	case trace.ThreadStart, trace.ThreadEnd:
		c.instant(w, trackDriver, r.tsc, r.kind.String(), "thread", r.a)
	case trace.Switch:
		c.rest(w, r.tsc)
		c.to(w, running, r.tsc)
		c.run(r.a, r.tsc)
	case trace.Idle:
		c.rest(w, r.tsc)
		c.to(w, polling, r.tsc)
	case trace.Halt:
		c.rest(w, r.tsc)
		c.to(w, halted, r.tsc)
	case trace.Wake:
		c.to(w, polling, r.tsc)
	case trace.Busy:
		c.to(w, running, r.tsc)
	}
}

// program takes a record of a span, an instant or a counter.
func (c *core) program(w *writer, r record) {
	name := ""
	if r.a < uint64(len(c.names)) {
		name = c.names[r.a]
	}
	if name == "" {
		name = fmt.Sprintf("name %d", r.a)
	}
	if r.kind == trace.SpanEnd {
		if place, begun := c.spans[r.b]; !begun || place != r.a {
			return // the begin was lost
		}
	}
	switch r.kind {
	case trace.SpanBegin:
		if _, begun := c.spans[r.b]; begun {
			return
		}
		c.spans[r.b] = r.a
		c.async(w, 'b', r.tsc, r.b, name)
	case trace.SpanEnd:
		delete(c.spans, r.b)
		c.async(w, 'e', r.tsc, r.b, name)
	case trace.Instant:
		c.instant(w, trackProgram, r.tsc, name, "value", r.b)
	case trace.Counter:
		w.event('C', c.index, 0, r.tsc, name)
		w.args()
		w.number("value", r.b)
		w.end(true)
	}
}

// async writes the begin or end of something beside which others go on.
func (c *core) async(w *writer, phase byte, tsc, id uint64, name string) {
	w.event(phase, c.index, trackProgram, tsc, name)
	w.text("cat", "program")
	w.text("id", fmt.Sprintf("%d-%x", c.index, id))
	w.end(false)
}

// close ends what is not over at the end of the trace.
func (c *core) close(w *writer, tsc uint64) {
	c.rates.end(c, w)
	c.floor = tsc
	c.rest(w, tsc)
	c.to(w, "", tsc)
	if c.marking != 0 {
		c.slice(w, trackCollector, "mark", c.marking, tsc)
		c.marking = 0
	}
	var ids []uint64
	for id := range c.spans {
		ids = append(ids, id)
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
	for _, id := range ids {
		c.program(w, record{tsc: tsc, kind: trace.SpanEnd, a: c.spans[id], b: id})
	}
}

func hex(v uint64) string { return fmt.Sprintf("%#x", v) }
