package multikernel

import (
	"errors"
	"time"

	"barreleye/devices/logring"
	"barreleye/vmm/life"
	"barreleye/vmm/lifecycle"
)

// Exit codes of a run, beside the guests' own. docs/reference/errors.md lists them.
const (
	CodeOK       = 0
	CodeCrash    = 70 // a core crashed in a way its program could not handle
	CodeVMM      = 71 // the VMM itself failed
	CodeDeadlock = 72 // all cores waited for each other
	CodeGaveUp   = 73 // cores had to be restarted too often
)

// clockPeriod is how often the guests' clock is put in step with the host's.
const clockPeriod = time.Second

// live runs all cores to their ends. Everything but the vCPU threads, what makes lives
// ready or frees them, and the copy to the terminal happens in this goroutine.
func (r *run) live() error {
	stop, err := r.platform.feed()
	if err != nil {
		return err
	}
	defer stop()
	r.started = true
	r.phase("cores start") // before they do: a core may be in main before the last one's thread began
	r.perform()

	console, followed := r.follow()
	deadlock, watchdog := newDeadlock(r), newWatchdog(r)
	var pace paceTimer
	lastClock := time.Now()
	for r.machine.Alive() > 0 {
		select {
		case e := <-r.ends:
			r.died(e, time.Now())
		case work := <-r.done:
			work()
		case reason := <-r.opt.Kick:
			r.halt(reason, r.opt.Grace)
		case cmd := <-r.opt.Commands:
			r.obey(&cmd)
		case <-pace.after(r.logs.Drain(), r.soon()):
		}
		now := time.Now()
		if now.Sub(lastClock) >= clockPeriod {
			lastClock = now
			r.keeper.Update(readClocks())
		}
		watchdog.check(now)
		r.look(now)
		r.perform()
		r.answer()
		switch {
		case !r.steady():
			deadlock.restart(now)
		case deadlock.check(now):
			r.machine.NoMore()
			deadlock.report()
		}
		r.asking.check(r, now)
	}
	r.rest()
	r.finish(deadlock.found)
	r.endMetrics()
	traced := r.endTrace()
	if r.opt.Inspect != nil {
		r.opt.Inspect(r.view)
	}
	err = errors.Join(r.failed, r.logs.Finish(), traced)
	if e := r.shown(console, followed); err == nil {
		err = e
	}
	return err
}

// look finds out what cores say in the shared region alone.
func (r *run) look(now time.Time) {
	for i, c := range r.cores {
		if !c.over && !c.main && r.view.Block(i).MainTSC.Load() != 0 {
			c.main = true
			r.machine.Main(i)
			r.spareNext(c)
		}
		if !c.over {
			r.nap(c)
		}
	}
	r.settleViews()
	r.machine.Settle(func(peer, dead int) uint64 { return r.view.Settled(peer, dead).Load() })
	r.impatient(now)
	r.delays(now)
}

// soon reports whether something is expected of a core that it says in the shared
// region alone.
func (r *run) soon() bool {
	if len(r.waiting) > 0 || r.members.Joins() {
		return true
	}
	for i := range r.cores {
		if r.machine.State(i) == lifecycle.Waiting {
			return true
		}
	}
	return false
}

// steady reports whether all cores that are not over run.
func (r *run) steady() bool {
	for i := range r.cores {
		switch r.machine.State(i) {
		case lifecycle.Building, lifecycle.Waiting, lifecycle.Parked:
			return false
		}
	}
	return true
}

// halt asks the living cores to end, by a signal to their programs where the
// reason has one, and stops those that are not over after the given time. Asked
// again, or without a signal, it stops them; what the run ended for is the first reason.
func (r *run) halt(reason Reason, grace time.Duration) {
	again := r.stop != nil
	if !again {
		r.stop, r.grace = &reason, grace
	}
	ask := !again && reason.Signal != 0
	if ask {
		r.logs.Say("%s: asking %d cores to end; once more stops them", reason.Text, r.machine.Living())
	} else {
		r.logs.Say("%s: stopping %d cores", reason.Text, r.machine.Living())
	}
	r.machine.Shutdown(ask)
}

// stopAll stops all cores.
func (r *run) stopAll() { r.machine.Shutdown(false) }

// rest does what is left to do once no core lives.
func (r *run) rest() {
	r.machine.NoMore()
	close(r.over)
	r.endLiveTrace()
	worked := make(chan struct{})
	go func() {
		r.working.Wait()
		close(worked)
	}()
	for {
		select {
		case work := <-r.done:
			work()
			continue
		case <-worked:
		}
		r.answerRest() // also those whose image was being loaded
		return
	}
}

// tell has something done by the run's goroutine, unless the run is over.
func (r *run) tell(what func()) {
	select {
	case r.done <- what:
	case <-r.over:
	}
}

// finish fills the report.
func (r *run) finish(deadlock bool) {
	code := CodeOK
	lastMain := 0.0
	r.report.Cores = r.coreReports()
	for _, cr := range r.report.Cores {
		lastMain = max(lastMain, cr.BootMS)
		if code == CodeOK {
			code = cr.ExitCode
		}
	}
	r.report.Channels, r.report.AllChannels = r.channels()
	if lastMain > 0 {
		r.report.Timing = append(r.report.Timing, Phase{"last core in main", lastMain})
	}
	switch {
	case r.stop != nil && r.stop.Code != CodeOK:
		code = r.stop.Code
	case r.gaveUp:
		code = CodeGaveUp
	case deadlock:
		code = CodeDeadlock
	}
	r.report.ExitCode, r.report.UpMS = code, r.since(time.Now())
}

// exitCode returns the code by which a core counts.
func (r *run) exitCode(c *core) int {
	switch {
	case c.err != nil:
		return CodeVMM
	case r.obeyed(c):
		return CodeOK
	case c.end.Kind == life.Exited:
		return c.end.Code
	}
	return CodeCrash
}

// floodPace is when to look again at logs that fill as fast as they are drained.
const floodPace = 50 * time.Microsecond

// soonPace is when to look again at cores of which something is expected.
const soonPace = 200 * time.Microsecond

// paceTimer turns how much there was into the next time to look.
type paceTimer struct {
	idle  int
	timer *time.Timer
}

func (p *paceTimer) after(bytes int, soon bool) <-chan time.Time {
	if bytes > 0 {
		p.idle = 0
	} else {
		p.idle++
	}
	d := time.Duration(min(1+p.idle/16, 20)) * time.Millisecond
	if soon {
		d = soonPace
	}
	if bytes > logring.Size/2 {
		d = floodPace // somebody waits for space, or soon will
	}
	if p.timer == nil {
		p.timer = time.NewTimer(d)
	} else {
		p.timer.Reset(d)
	}
	return p.timer.C
}
