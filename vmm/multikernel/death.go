package multikernel

import (
	"time"

	"barreleye/vmm/life"
)

// ending is the end of a core's life, as its thread tells it: the core is out of
// KVM_RUN for good, or its process reaped.
type ending struct {
	c   *core
	end life.End
	err error
}

// died does what a life's end asks for, in this order: what the core shared is closed,
// then everybody is told, then others go on with it.
func (r *run) died(e ending, now time.Time) {
	c := e.c
	c.end, c.err, c.over = e.end, e.err, true
	c.main = c.main || r.view.Block(c.index).MainTSC.Load() != 0
	channels := r.subject(c).Channels()
	r.bury(c)
	c.desk.Close()
	r.logs.End(c.index)
	c.words = r.lastWords(c)
	r.ended(c)
	r.postmortem(c, channels)
	c.last = r.remember(c, now)
	r.endDebug(c)
	r.dispose(c.born)
	c.born, c.life = nil, nil
	failed := c.last.ExitCode != CodeOK
	r.machine.Ended(c.index, failed, now)
	if alive := r.machine.Living(); alive > 0 && r.stop == nil && (c.err != nil || c.end.Kind != life.Exited) {
		// survivors go on: a crash takes down one core only
		r.logs.Say("the others go on: %d", alive)
	}
}

// ended says how a core's life ended, where that is worth a line.
func (r *run) ended(c *core) {
	if line := r.describe(c); line != "" {
		r.logs.Alarm("%s", line)
	}
}
