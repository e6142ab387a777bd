package multikernel

import (
	"time"

	"barreleye/vmm/lifecycle"
)

// answerWithin is how long the cores' monitors have to answer (patience). A busy core's
// monitor waits for the Go scheduler there, and that for a tick.
const answerWithin = time.Second

// noAnswer is the state of a core whose monitor did not answer in time: it
// hangs, starts, or runs without ticks.
const noAnswer = "no answer"

// question is one to the monitors of all living cores: each publishes
// its map table and message counts under the request's number. Who asks meanwhile is
// answered by the next one.
type question struct {
	asked []*Command // OpStatus; empty where no question is open
	next  []*Command
	want  []uint64   // by core, the number of the request,
	lives []uint64   // the life that was asked,
	waits []patience // and for how long
}

// ask has a command answered by what the monitors say from now on.
func (q *question) ask(r *run, cmd *Command) {
	q.next = append(q.next, cmd)
	if len(q.asked) == 0 {
		q.begin(r)
	}
}

// begin asks every living core's monitor.
func (q *question) begin(r *run) {
	q.asked, q.next = q.next, nil
	q.want, q.lives, q.waits = make([]uint64, len(r.cores)), make([]uint64, len(r.cores)), make([]patience, len(r.cores))
	for i, c := range r.cores {
		if !c.over {
			q.lives[i], q.waits[i] = c.number, r.usage[i].patience(time.Now())
			q.want[i] = r.view.VMM(i).Request.Add(1)
			r.wake(i)
		}
	}
}

// check answers once every living core did or the time is over.
func (q *question) check(r *run, now time.Time) {
	if len(q.asked) == 0 {
		return
	}
	answered := func(c *core) bool {
		return c.over || held(c) || r.machine.State(c.index) == lifecycle.Parked || c.number != q.lives[c.index] || r.view.Block(c.index).MapSeq.Load() == q.want[c.index]
	}
	for _, c := range r.cores {
		if !answered(c) && !q.waits[c.index].over(now, answerWithin) {
			return
		}
	}
	report := r.report
	report.UpMS = r.since(now)
	report.Cores = r.coreReports()
	for i := range report.Cores {
		if cr := &report.Cores[i]; !answered(r.cores[cr.Core]) {
			cr.State = noAnswer
		}
	}
	report.Channels, report.AllChannels = r.channels()
	for _, cmd := range q.asked {
		cmd.answer(Reply{Status: &report})
	}
	q.asked = nil
	if len(q.next) > 0 {
		q.begin(r)
	}
}
