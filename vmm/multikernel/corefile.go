package multikernel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"barreleye/vmm/corefile"
	"barreleye/vmm/life"
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

// dump writes a core file of a life into the run's folder and returns its name
// there.
func (r *run) dump(c *core, left postmortem.Remains) (name string, err error) {
	name = corefile.Name(c.index, c.number)
	f, err := os.Create(filepath.Join(r.opt.Dir, name))
	if err == nil {
		err = corefile.Write(f, left, corefile.Info{
			Name: c.born.program.image.Name, Args: strings.Join(r.args(c.born.program), " "), Signal: int(c.endSignal()),
		}, corefile.DefaultLimit)
		err = errors.Join(err, f.Close())
	}
	if errors.Is(err, corefile.ErrLimit) {
		r.logs.Say("core %d: %s: %v", c.index, name, err)
		err = nil
	}
	if err != nil {
		return "", fmt.Errorf("core %d: core file: %w: free some space in the run's folder", c.index, err)
	}
	return name, nil
}
