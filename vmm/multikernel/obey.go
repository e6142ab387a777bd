package multikernel

import (
	"cmp"
	"fmt"

	"barreleye/vmm/lifecycle"

	"golang.org/x/sys/unix"
)

// obey does what a command asks, or begins to; answer tells how that went.
func (r *run) obey(cmd *Command) {
	switch cmd.Op {
	case OpStatus:
		r.asking.ask(r, cmd)
		return
	case OpTrace:
		r.traceLive(cmd)
		return
	case OpShutdown:
		r.shutDown(cmd)
		return
	case OpAdd:
		r.add(cmd)
		return
	case OpDebug:
		r.debug(cmd)
		return
	}
	if cmd.Core < 0 || cmd.Core >= r.seen {
		cmd.refuse(ErrNoCore, fmt.Sprintf("name one from 0 to %d", r.seen-1))
		return
	}
	if cmd.Op == OpStacks || cmd.Op == OpProfile || cmd.Op == OpMonitor || cmd.Op == OpCaps {
		r.inquire(cmd, r.cores[cmd.Core])
		return
	}
	life := r.machine.Life(cmd.Core)
	c := r.cores[cmd.Core]
	var err error
	switch cmd.Op {
	case OpStop:
		if !r.machine.State(cmd.Core).Lives() {
			life = 0 // that it is never begun
		}
		r.wait(cmd, life)
		err = r.machine.Stop(cmd.Core, cmd.Drain)
	case OpKill:
		r.wait(cmd, life)
		if err = r.machine.Kill(cmd.Core); err == nil {
			c.killed = true
		}
	case OpRestart:
		r.wait(cmd, life+1)
		err = r.machine.Restart(cmd.Core, cmd.Drain)
	case OpUpdate:
		r.update(cmd, c)
		return
	case OpDump:
		r.dumpLiving(cmd, c)
		return
	case OpPark:
		err = r.machine.Park(cmd.Core)
	case OpResume:
		err = r.machine.Resume(cmd.Core)
	}
	r.took(cmd, err)
}

// took answers a command that was refused, and one that needs no waiting.
func (r *run) took(cmd *Command, err error) {
	switch {
	case err != nil:
		r.forget(cmd)
		cmd.refuse(err, "ps shows how the cores are")
		return
	case cmd.Op == OpPark || cmd.Op == OpResume:
		r.wait(cmd, r.machine.Life(cmd.Core))
	}
	r.logs.Say("core %d: %s", cmd.Core, cmd.Op)
}

// add starts one more core: the first that never lived, or else the first that does not
// any more.
func (r *run) add(cmd *Command) {
	var c *core
	for _, state := range []lifecycle.State{lifecycle.Off, lifecycle.Ended} {
		for i, candidate := range r.cores {
			if c == nil && r.machine.State(i) == state {
				c = candidate
			}
		}
	}
	if c == nil {
		cmd.refuse(ErrNoRoom, fmt.Sprintf("start the run with --max-cores above %d", len(r.cores)))
		return
	}
	cmd.Core = c.index
	if cmd.Image != nil {
		r.loadThen(cmd, c, func() error { return r.addTo(cmd, c) })
		return
	}
	r.took(cmd, r.addTo(cmd, c))
}

// addTo begins the core that was chosen.
func (r *run) addTo(cmd *Command, c *core) error {
	r.seen = max(r.seen, c.index+1)
	if r.machine.Life(c.index) == 0 {
		r.place[c.index] = r.roomiest(c.index)
	}
	if err := r.machine.Tree().Add(c.index, r.opt.Restart.Of(c.index)); err != nil && r.machine.Life(c.index) == 0 {
		return err
	}
	r.recount()
	r.wait(cmd, r.machine.Life(c.index)+1)
	return r.machine.Begin(c.index)
}

// update restarts a core with another image.
func (r *run) update(cmd *Command, c *core) {
	switch state := r.machine.State(c.index); {
	case cmd.Image == nil:
		cmd.refuse(ErrNoImage, "give the image that the core is to run")
	case state == lifecycle.Building || state == lifecycle.Waiting:
		cmd.refuse(ErrBusy, "try again when it runs")
	default:
		r.loadThen(cmd, c, func() error {
			r.wait(cmd, r.machine.Life(c.index)+1)
			return r.machine.Restart(c.index, cmd.Drain)
		})
	}
}

// loadThen loads a command's image beside everything else, gives it to the core, and
// goes on with then. An image that cannot be used harms nothing: the core's life goes on.
func (r *run) loadThen(cmd *Command, c *core, then func() error) {
	if err := r.opt.checkImage(cmd.Image); err != nil {
		cmd.answer(Reply{Core: c.index, Err: err})
		return
	}
	r.working.Go(func() {
		p, err := r.load(cmd.Image)
		r.done <- func() {
			if err != nil {
				cmd.answer(Reply{Core: c.index, Err: err})
				return
			}
			old := c.program
			c.program = p
			if err := then(); err != nil {
				c.program = old
				p.release()
				r.took(cmd, err)
				return
			}
			old.release()
			r.took(cmd, nil)
		}
	})
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
