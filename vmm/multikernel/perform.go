package multikernel

import (
	"cmp"
	"time"

	"barreleye/urpc/trace"
	"barreleye/vmm/lifecycle"

	"golang.org/x/sys/unix"
)

// perform does what the machine wants done, until it wants nothing more.
func (r *run) perform() {
	for todo := r.machine.Take(); len(todo) > 0; todo = r.machine.Take() {
		for _, a := range todo { // all are announced before one of them runs
			if a.Do == lifecycle.Start {
				r.announce(r.cores[a.Core])
			}
		}
		for _, a := range todo {
			r.do(a)
		}
	}
}

// do does one thing.
func (r *run) do(a lifecycle.Action) {
	c := r.cores[a.Core]
	switch a.Do {
	case lifecycle.Build:
		r.build(c, a.Life)
	case lifecycle.Discard:
		r.discard(c)
	case lifecycle.Start:
		r.begin(c)
	case lifecycle.Ask:
		r.askToEnd(c)
	case lifecycle.Kill:
		c.patience = time.Time{}
		c.life.Stop()
	case lifecycle.Park:
		c.life.Park()
		r.noteLife(c, c.number, trace.LifeParked)
	case lifecycle.Resume:
		r.noteLife(c, c.number, trace.LifeResumed)
		c.life.Resume()
	case lifecycle.GiveUp:
		r.gaveUp = true
		r.logs.Alarm("%s: stopping all cores: mend the program, or allow more with --intensity", a.Why)
	}
}

// askToEnd has a core's program end in its own time, which is bounded.
func (r *run) askToEnd(c *core) {
	c.signal, c.grace = unix.SIGTERM, r.opt.Grace
	if r.stop != nil {
		c.signal, c.grace = cmp.Or(r.stop.Signal, c.signal), r.grace
	}
	for _, w := range r.waiting {
		if w.Core == c.index && w.Grace != 0 {
			c.grace = w.Grace
		}
	}
	c.patience = time.Now().Add(c.grace)
	c.life.Signal(c.signal)
}

// impatient ends cores that were asked to end and had time enough.
func (r *run) impatient(now time.Time) {
	late := 0
	for i, c := range r.cores {
		if c.over || c.patience.IsZero() || now.Before(c.patience) {
			continue
		}
		late++
		c.patience = time.Time{}
		if r.stop == nil {
			r.logs.Say("core %d did not end within %v: stopping it", i, c.grace)
		}
		r.machine.GraceOver(i)
	}
	if late > 0 && r.stop != nil {
		r.logs.Say("%d cores did not end within %v: stopping them", late, r.grace)
	}
}
