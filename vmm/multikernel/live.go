package multikernel

import (
	"errors"
	"fmt"
	"time"

	"barreleye/devices/logring"
	"barreleye/vmm/life"

	"golang.org/x/sys/unix"
)

// Exit codes of a run, beside the guests' own. docs/reference/errors.md lists them.
const (
	CodeOK       = 0
	CodeCrash    = 70 // a core crashed in a way its program could not handle
	CodeVMM      = 71 // the VMM itself failed
	CodeDeadlock = 72 // all cores waited for each other
)

// clockPeriod is how often the guests' clock is put in step with the host's.
const clockPeriod = time.Second

// lastLines is how long the console has to show what is left after a stop.
const lastLines = 500 * time.Millisecond

// live runs all cores to their ends. Everything but the vCPU threads and the
// copy to the terminal happens in this goroutine.
func (r *run) live() error {
	stop, err := r.platform.feed()
	if err != nil {
		return err
	}
	defer stop()
	ends := make(chan *core, len(r.cores))
	r.alive = len(r.cores)
	for _, c := range r.cores {
		go func() {
			c.end, c.err = c.life.Run()
			ends <- c
		}()
	}
	r.phase("cores started")

	followed := make(chan error, 1)
	if r.opt.Console != nil {
		go func() { followed <- r.logs.Follow(r.opt.Console, r.opt.View) }()
	} else {
		followed <- nil
	}

	deadlock, watchdog := newDeadlock(r), newWatchdog(r)
	var pace paceTimer
	lastClock := time.Now()
	for r.alive > 0 {
		select {
		case c := <-ends:
			r.alive--
			c.over = true
			channels := r.subject(c).Channels()
			r.bury(c)
			r.logs.End(c.index)
			c.words = r.lastWords(c)
			r.ended(c)
			r.postmortem(c, channels)
			if r.alive > 0 && r.stop == nil && (c.err != nil || c.end.Kind != life.Exited) {
				// survivors go on: a crash takes down one core only
				r.logs.Say("the others go on: %d", r.alive)
			}
			c.obeyed()
		case reason := <-r.opt.Kick:
			r.halt(reason, r.opt.Grace)
		case cmd := <-r.opt.Commands:
			r.obey(&cmd)
		case <-r.patience:
			r.logs.Say("%d cores did not end within %v: stopping them", r.alive, r.grace)
			r.stopAll()
		case <-pace.after(r.logs.Drain()):
		}
		if now := time.Now(); now.Sub(lastClock) >= clockPeriod {
			lastClock = now
			r.keeper.Update(readClocks())
		}
		watchdog.check(time.Now())
		if deadlock.check(time.Now()) {
			deadlock.report()
		}
		r.asking.check(r, time.Now())
	}
	r.finish(deadlock.found)
	r.endMetrics()
	traced := r.endTrace()
	if r.opt.Inspect != nil {
		r.opt.Inspect(r.view)
	}
	err = errors.Join(r.logs.Finish(), traced)
	var shown <-chan time.Time
	if r.stop != nil {
		shown = time.After(lastLines) // a stopped terminal must not hold up the end
	}
	select {
	case ferr := <-followed:
		hungUp := r.stop != nil && errors.Is(ferr, unix.EIO) // the terminal is gone, which is why the run was stopped
		if err == nil && ferr != nil && !hungUp {
			err = fmt.Errorf("run: console: %w: 'barreleye logs' shows all lines", ferr)
		}
	case <-shown:
	}
	return err
}

// halt asks the living cores to end, by a signal to their programs where the
// reason has one, and stops those that are not over after the given time. Asked
// again, or without a signal, it stops them.
func (r *run) halt(reason Reason, grace time.Duration) {
	again := r.stop != nil
	r.stop = &reason
	if again || reason.Signal == 0 {
		r.logs.Say("%s: stopping %d cores", reason.Text, r.alive)
		r.stopAll()
		return
	}
	r.logs.Say("%s: asking %d cores to end; once more stops them", reason.Text, r.alive)
	for _, c := range r.cores {
		if !c.over {
			c.life.Signal(reason.Signal)
		}
	}
	r.grace, r.patience = grace, time.After(grace)
}

func (r *run) stopAll() {
	for _, c := range r.cores {
		if !c.over {
			c.life.Stop()
		}
	}
}

// ended says how a core's life ended, where that is worth a line.
func (r *run) ended(c *core) {
	if line := r.describe(c); line != "" {
		r.logs.Alarm("%s", line)
	}
}

// finish fills the report.
func (r *run) finish(deadlock bool) {
	code := CodeOK
	lastMain := 0.0
	for _, c := range r.cores {
		cr := r.about(c)
		lastMain = max(lastMain, cr.BootMS)
		if code == CodeOK {
			code = cr.ExitCode
		}
		r.report.Cores = append(r.report.Cores, cr)
	}
	r.report.Channels, r.report.AllChannels = r.channels()
	if lastMain > 0 {
		r.report.Timing = append(r.report.Timing, Phase{"last core in main", lastMain})
	}
	switch {
	case r.stop != nil && r.stop.Code != CodeOK:
		code = r.stop.Code
	case deadlock:
		code = CodeDeadlock
	}
	r.report.ExitCode = code
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

// paceTimer turns how much there was into the next time to look.
type paceTimer struct {
	idle  int
	timer *time.Timer
}

func (p *paceTimer) after(bytes int) <-chan time.Time {
	if bytes > 0 {
		p.idle = 0
	} else {
		p.idle++
	}
	d := time.Duration(min(1+p.idle/16, 20)) * time.Millisecond
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
