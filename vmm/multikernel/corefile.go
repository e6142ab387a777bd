package multikernel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"barreleye/vmm/corefile"
	"barreleye/vmm/life"
	"barreleye/vmm/lifecycle"
	"barreleye/vmm/postmortem"

	"golang.org/x/sys/unix"
)

// endSignal returns the signal by which Linux would have ended a process as the
// core ended, 0 where it ended well.
func (c *core) endSignal() unix.Signal {
	switch {
	case c.end.Kind == life.Exited && c.end.Code == codeGo:
		return unix.SIGABRT
	case c.end.Kind == life.Exited || c.end.Kind == life.Stopped:
		return 0
	case c.end.Kind == life.Stuck:
		return unix.SIGQUIT
	}
	return unix.SIGSEGV
}

// dump writes a core file of a life that ended into the run's folder and returns its
// name there.
func (r *run) dump(c *core, left postmortem.Remains) (name string, err error) {
	name = corefile.Name(c.index, c.number)
	limited, err := r.writeCore(name, c.born.program, left, c.endSignal())
	if limited != nil {
		r.logs.Say("core %d: %s: %v", c.index, name, limited)
	}
	if err != nil {
		return "", fmt.Errorf("core %d: core file: %w: free some space in the run's folder", c.index, err)
	}
	return name, nil
}

// writeCore writes a core file of a core that runs a program. limited says that memory
// is missing from it.
func (r *run) writeCore(name string, p *program, left postmortem.Remains, signal unix.Signal) (limited, err error) {
	f, err := os.Create(filepath.Join(r.opt.Dir, name))
	if err != nil {
		return nil, err
	}
	err = corefile.Write(f, left, corefile.Info{
		Name: p.image.Name, Args: strings.Join(r.args(p), " "), Signal: int(signal),
	}, corefile.DefaultLimit)
	if errors.Is(err, corefile.ErrLimit) {
		limited, err = err, nil
	}
	return limited, errors.Join(err, f.Close())
}

// visible is a carrier whose core can be looked at while it lives.
type visible interface {
	// Look has the core stand still, shows it, and lets it go on.
	Look(show func(postmortem.Remains)) error
}

// dumpLiving writes a core file of a core that lives, which stands still for that
// time; all others go on.
func (r *run) dumpLiving(cmd *Command, c *core) {
	l, ok := c.life.(visible)
	if !ok || !r.machine.State(c.index).Lives() {
		cmd.refuse(lifecycle.ErrNotAlive, "'barreleye autopsy' shows what its last life left; --core-files keeps core files of crashes")
		return
	}
	c.dumps++
	name, number, program := corefile.DumpName(c.index, c.number, c.dumps), c.number, c.born.program.use()
	r.working.Go(func() {
		var limited, failed error
		took := time.Now()
		err := l.Look(func(left postmortem.Remains) { limited, failed = r.writeCore(name, program, left, 0) })
		stood := time.Since(took)
		program.release()
		err = errors.Join(err, failed)
		if err != nil {
			_ = os.Remove(filepath.Join(r.opt.Dir, name)) // what is in it is not what was
		}
		r.done <- func() {
			if err != nil {
				cmd.refuse(err, "see that the run's folder has space; 'barreleye ps' shows how the cores are")
				return
			}
			path := filepath.Join(r.opt.Dir, name)
			r.logs.Say("core %d: dumped to %s, for which it stood still for %v", c.index, path, stood.Round(time.Millisecond))
			if limited != nil {
				r.logs.Say("core %d: %s: %v", c.index, name, limited)
			}
			cmd.answer(Reply{Core: c.index, Life: number, File: path})
		}
	})
}
