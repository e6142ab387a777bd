package multikernel

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"barreleye/guest/monitor/requests"
	"barreleye/vmm/autopsy"
	"barreleye/vmm/image"
	"barreleye/vmm/inquiry"
	"barreleye/vmm/lifecycle"
	"barreleye/vmm/postmortem"
)

// inquireWithin is how long a core's monitor has to answer about the program (patience),
// beside the time that it is told to take. To list stacks it stops the whole program, which takes a
// tick for each goroutine that computes.
const inquireWithin = 5 * time.Second

// DefaultSample is for how long a CPU profile is taken where nobody says.
const DefaultSample = 10 * time.Second

// errProfile says that no profile has that name.
var errProfile = errors.New("no such profile")

// openDesk makes what asks the monitor of the life that is about to begin.
func (r *run) openDesk(c *core) {
	bell := c.newBell(r.view)
	desk, err := inquiry.Open(r.view, c.index, c.number, &bell)
	if err != nil { // the geometry is what the VMM made it
		panic(err)
	}
	c.desk = desk
}

// inquire asks a core's monitor about its program, beside everything else.
func (r *run) inquire(cmd *Command, c *core) {
	kind, arg, within := requests.Stacks, uint64(0), inquireWithin
	switch cmd.Op {
	case OpMonitor:
		kind = requests.Monitor
	case OpCaps:
		kind = requests.Caps
	}
	if cmd.Op == OpProfile {
		var ok bool
		if kind, ok = requests.ProfileOf(cmd.Profile); !ok {
			cmd.refuse(fmt.Errorf("%w as %q", errProfile, cmd.Profile), "there are "+strings.Join(requests.Profiles(), ", "))
			return
		}
		if kind == requests.CPU {
			d := cmd.Duration
			if d == 0 {
				d = DefaultSample
			}
			if d < 0 || d > requests.MaxSample {
				cmd.refuse(fmt.Errorf("a CPU profile of %v", d), fmt.Sprintf("take it for up to %v", requests.MaxSample))
				return
			}
			arg, within = uint64(d), within+d
		}
	}
	switch state := r.machine.State(c.index); {
	case c.over || !state.Lives():
		cmd.refuse(lifecycle.ErrNotAlive, "ps shows how the cores are, autopsy what one has left")
		return
	case state == lifecycle.Parked:
		r.lookAt(cmd, c, lifecycle.ErrParked, "resume it first")
		return
	}
	desk, life := c.desk, c.number
	r.working.Go(func() {
		ctx, cancel := r.usage[c.index].wait(within)
		defer cancel()
		data, err := desk.Ask(ctx, kind, arg)
		switch {
		case err == nil:
			cmd.answer(Reply{Core: c.index, Life: life, Data: data})
		case errors.Is(err, inquiry.ErrSilent):
			err = fmt.Errorf("%w within %v", err, within)
			r.tell(func() {
				if c.number != life || c.over {
					cmd.refuse(inquiry.ErrEnded, "ps shows how the cores are")
					return
				}
				r.lookAt(cmd, c, err, "it computes without ticks, or is stuck; a restart ends that")
			})
		case errors.Is(err, inquiry.ErrEnded):
			cmd.refuse(err, "ps shows how the cores are")
		default:
			cmd.answer(Reply{Core: c.index, Err: fmt.Errorf("%v: core %d: %w", cmd.Op, c.index, err)})
		}
	})
}

// lookAt answers OpStacks for a core whose monitor cannot, by what the VMM sees of a
// virtual machine that stands still for a moment: the stacks of its threads. why says why
// it cannot, and is the answer where there is nothing to see.
func (r *run) lookAt(cmd *Command, c *core, why error, next string) {
	l, ok := c.life.(visible)
	if !ok || cmd.Op != OpStacks {
		cmd.refuse(why, next)
		return
	}
	number, program := c.number, c.born.program.use()
	r.working.Go(func() {
		var text strings.Builder
		fmt.Fprintf(&text, "core %d: %v: %s\nWhat its threads do, seen from outside:\n", c.index, why, next)
		err := l.Look(func(left postmortem.Remains) { showThreads(&text, left, program.image) })
		program.release()
		if err != nil {
			cmd.refuse(err, "ps shows how the cores are")
			return
		}
		cmd.answer(Reply{Core: c.index, Life: number, Data: []byte(text.String())})
	})
}

// shownCalls bounds the stack of a thread.
const shownCalls = 64

// showThreads writes the stack of each thread of a core that stands still.
func showThreads(w io.Writer, left postmortem.Remains, im *image.Image) {
	for _, t := range left.Threads() {
		who := t.What
		if t.TID != 0 {
			who = fmt.Sprintf("thread %d, %s", t.TID, t.What)
		}
		fmt.Fprintf(w, "\n%s:\n", who)
		for _, f := range autopsy.Lines(postmortem.Stack(left, im, &t.Regs, shownCalls)) {
			fmt.Fprintf(w, "  %s\n", f)
		}
	}
}
