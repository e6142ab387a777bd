package multikernel

import (
	"errors"
	"fmt"
	"time"

	"barreleye/vmm/lifecycle"

	"golang.org/x/sys/unix"
)

// lastLines is how long a terminal has to show what is left when the run was asked to end.
const lastLines = 500 * time.Millisecond

// follow has the log shown on the console, if there is one. How that went, shown takes.
func (r *run) follow() <-chan error {
	followed := make(chan error, 1)
	if r.opt.Console == nil {
		followed <- nil
	} else {
		go func() { followed <- r.logs.Follow(r.opt.Console, r.opt.View) }()
	}
	return followed
}

// shown waits until the console has the whole log. A terminal that its user has stopped takes
// nothing, so one is not waited for where somebody wants the run's end; nor is anything else,
// a pipe to a pager for one, once that is asked again. Else no line may be missing, however
// slowly this host goes about it: who reads them may count on the last ones.
func (r *run) shown(followed <-chan error) error {
	var late <-chan time.Time
	if r.stop != nil && r.opt.Terminal {
		late = time.After(lastLines)
	}
	for {
		select {
		case err := <-followed:
			hungUp := r.stop != nil && errors.Is(err, unix.EIO) // the terminal is gone, which is why the run was stopped
			if err != nil && !hungUp {
				return fmt.Errorf("run: console: %w: 'barreleye logs' shows all lines", err)
			}
			return nil
		case <-late:
			return nil
		case <-r.opt.Kick:
			return nil
		case cmd := <-r.opt.Commands:
			if cmd.Op == OpShutdown {
				cmd.answer(Reply{})
				return nil
			}
			cmd.refuse(lifecycle.ErrEnding, "its report is shown at its end")
		}
	}
}
