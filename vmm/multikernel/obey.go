package multikernel

import (
	"cmp"
	"fmt"

	"golang.org/x/sys/unix"
)

// obey does what a command asks, or begins to. It answers once that is done.
func (r *run) obey(cmd *Command) {
	switch cmd.Op {
	case OpStatus:
		r.asking.ask(r, cmd)
	case OpShutdown:
		r.shutDown(cmd)
	case OpStop, OpKill:
		if c := r.addressed(cmd); c != nil {
			r.logs.Say("core %d: asked to %s", c.index, cmd.Op)
			c.asked = append(c.asked, cmd)
			c.killed = c.killed || cmd.Op == OpKill
			c.life.Stop()
		}
	default:
		cmd.refuse(ErrUnable, "use a newer version")
	}
}

// addressed returns the living core that a command is about, or answers that there
// is none and returns nil.
func (r *run) addressed(cmd *Command) *core {
	switch {
	case cmd.Core < 0 || cmd.Core >= len(r.cores):
		cmd.refuse(ErrNoCore, fmt.Sprintf("name one from 0 to %d", len(r.cores)-1))
	case r.cores[cmd.Core].over:
		cmd.refuse(ErrNotAlive, "ps shows the cores that do")
	default:
		return r.cores[cmd.Core]
	}
	return nil
}

// shutDown ends the run as the first of Options.Kick would, where the programs are
// to be told, or as the second.
func (r *run) shutDown(cmd *Command) {
	reason := cmd.Reason
	reason.Text = cmp.Or(reason.Text, "shutdown")
	if cmd.Drain {
		reason.Signal = cmp.Or(reason.Signal, unix.SIGTERM)
	} else {
		reason.Signal = 0
	}
	r.halt(reason, cmp.Or(cmd.Grace, r.opt.Grace))
	cmd.answer(Reply{})
}

// obeyed answers the commands that ended a core's life.
func (c *core) obeyed() {
	for _, cmd := range c.asked {
		cmd.answer(Reply{Core: c.index, Life: c.number})
	}
	c.asked = nil
}
