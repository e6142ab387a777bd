package multikernel

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A console that may block is given up, where somebody wants the run's end, once it took
// nothing in so many looks. They are counted, not timed: a host that stood still saw nothing.
const (
	lastLook  = 50 * time.Millisecond
	lastLooks = 30
)

// taken counts what a console takes.
type taken struct {
	io.Writer
	writes atomic.Uint64
}

func (c *taken) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.writes.Add(1)
	return n, err
}

// follow has the log shown on the console, if there is one. How that went, shown takes.
func (r *run) follow() (console *taken, followed <-chan error) {
	console = &taken{Writer: r.opt.Console}
	done := make(chan error, 1)
	if r.opt.Console == nil {
		done <- nil
	} else {
		go func() { done <- r.logs.Follow(console, r.opt.View) }()
	}
	return console, done
}

// shown waits until the console has the whole log. A terminal that its user has stopped, or
// a pipe that nobody reads, takes nothing, so such a one is not waited for where somebody
// wants the run's end; nor is any, once that is asked again. Else no line may be missing,
// however slowly this host goes about it: who reads them may count on the last ones.
func (r *run) shown(console *taken, followed <-chan error) error {
	var look <-chan time.Time
	if r.stop != nil && r.opt.MayBlock {
		t := time.NewTicker(lastLook)
		defer t.Stop()
		look = t.C
	}
	for idle, seen := 0, console.writes.Load(); ; {
		select {
		case err := <-followed:
			hungUp := r.stop != nil && errors.Is(err, unix.EIO) // the terminal is gone, which is why the run was stopped
			if err != nil && !hungUp {
				return fmt.Errorf("run: console: %w: 'barreleye logs' shows all lines", err)
			}
			return nil
		case <-look:
			idle++
			if now := console.writes.Load(); now != seen {
				idle, seen = 0, now
			}
			if idle == lastLooks {
				return nil
			}
		case <-r.opt.Kick:
			return nil
		case cmd := <-r.opt.Commands:
			if cmd.Op == OpShutdown {
				cmd.answer(Reply{})
				return nil
			}
			cmd.refuse(ErrEnded, "'barreleye logs' shows its lines")
		}
	}
}
