package multikernel

import "time"

// Asked is where the answer to one question goes: how all cores are now. It
// must have room for one report.
type Asked chan<- *Report

// answerWithin is how long the cores' monitors have to answer. A busy core's
// monitor waits for the Go scheduler there, and that for a tick.
const answerWithin = time.Second

// noAnswer is the state of a core whose monitor did not answer in time: it
// hangs, starts, or runs without ticks.
const noAnswer = "no answer"

// inquiry is one question to the monitors of all living cores: each publishes
// its map table and message counts under the request's number.
type inquiry struct {
	to    Asked // nil: nobody asks
	want  []uint64
	until time.Time
}

// next returns where the next question comes from: nowhere while one is open.
func (q *inquiry) next(ask <-chan Asked) <-chan Asked {
	if q.to != nil {
		return nil
	}
	return ask
}

// inquire asks every living core's monitor.
func (r *run) inquire(to Asked) inquiry {
	q := inquiry{to: to, want: make([]uint64, len(r.cores)), until: time.Now().Add(answerWithin)}
	for i, c := range r.cores {
		if !c.over {
			q.want[i] = r.view.VMM(i).Request.Add(1)
			r.wake(i)
		}
	}
	return q
}

// check sends the report once every living core answered or the time is over.
func (q *inquiry) check(r *run, now time.Time) {
	if q.to == nil {
		return
	}
	late := now.After(q.until)
	answered := func(c *core) bool {
		return c.over || r.view.Block(c.index).MapSeq.Load() == q.want[c.index]
	}
	for _, c := range r.cores {
		if !answered(c) && !late {
			return
		}
	}
	report := r.report
	report.Cores = nil
	for _, c := range r.cores {
		cr := r.about(c)
		if !answered(c) {
			cr.State = noAnswer
		}
		report.Cores = append(report.Cores, cr)
	}
	report.Channels, report.AllChannels = r.channels()
	q.to <- &report
	q.to = nil
}
