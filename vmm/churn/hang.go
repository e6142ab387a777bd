package churn

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"barreleye/guest/monitor/report"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/observe"
)

// errHung is wrapped by errors that say that something did not come for longer than any
// host needs.
var errHung = errors.New("hung")

// look is how long a run that hangs has to answer about itself.
const look = 20 * time.Second

// asked is a command of this run.
type asked struct {
	multikernel.Command
	at       time.Time
	answered bool
	err      error
}

func (a *asked) String() string {
	text := a.Op.String()
	switch a.Op {
	case multikernel.OpAdd, multikernel.OpShutdown:
	default:
		text += fmt.Sprintf(" core %d", a.Core)
	}
	if a.Drain {
		text += ", draining"
	}
	return text
}

// open lists the commands that have no answer.
func (r *round) open() string {
	var list []string
	for _, a := range r.asked {
		if !a.answered {
			list = append(list, fmt.Sprintf("%v (%.1f s ago)", a, time.Since(a.at).Seconds()))
		}
	}
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, "; ")
}

// examine asks a run that hangs for all that tells why: how its cores are, what their
// monitors hold and their goroutines wait for, and what the VMM's do.
func (r *round) examine(over <-chan struct{}) string {
	var b strings.Builder
	fmt.Fprintf(&b, "commands without an answer: %s\n", r.open())
	if got, err := r.inquire(multikernel.Command{Op: multikernel.OpStatus}, over); err != nil {
		fmt.Fprintf(&b, "status: %v\n", err)
	} else {
		got.Status.Table(&b)
		for _, c := range got.Status.Cores {
			fmt.Fprintf(&b, "core %d life %d, %s:\n", c.Core, c.Life, c.State)
			r.states = append(r.states, fmt.Sprintf("%d life %d %s, %d sent, %d received", c.Core, c.Life, c.State, c.Sent, c.Received))
			b.WriteString(indent(r.examineCore(c.Core, over)))
		}
	}
	stacks := make([]byte, 4<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	fmt.Fprintf(&b, "the VMM:\n%s", indent(string(observe.Brief(stacks))))
	return b.String()
}

// examineCore asks one core's monitor.
func (r *round) examineCore(core int, over <-chan struct{}) string {
	var b strings.Builder
	if got, err := r.inquire(multikernel.Command{Op: multikernel.OpMonitor, Core: core}, over); err != nil {
		fmt.Fprintln(&b, err)
	} else if m, _, err := report.Parse(got.Data); err != nil {
		fmt.Fprintln(&b, err)
	} else {
		fmt.Fprintf(&b, "monitor: %+v\n", m)
	}
	if got, err := r.inquire(multikernel.Command{Op: multikernel.OpStacks, Core: core}, over); err != nil {
		fmt.Fprintln(&b, err)
	} else {
		fmt.Fprintf(&b, "%s\n", observe.Brief(got.Data))
	}
	return b.String()
}

// inquire sends a command and waits for its answer.
func (r *round) inquire(cmd multikernel.Command, over <-chan struct{}) (multikernel.Reply, error) {
	answer := make(chan multikernel.Reply, 1)
	cmd.Reply = answer
	late := time.After(look)
	select {
	case r.commands <- cmd:
	case <-over:
		return multikernel.Reply{}, errors.New("the run is over")
	case <-late:
		return multikernel.Reply{}, fmt.Errorf("%v: not taken within %v", cmd.Op, look)
	}
	select {
	case got := <-answer:
		return got, got.Err
	case <-late:
		return multikernel.Reply{}, fmt.Errorf("%v: no answer within %v", cmd.Op, look)
	}
}

// indent sets a text off.
func indent(text string) string {
	var b bytes.Buffer
	for line := range strings.Lines(text) {
		b.WriteString("  " + line)
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		b.WriteByte('\n')
	}
	return b.String()
}
