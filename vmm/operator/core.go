package operator

import (
	"context"
	"time"

	"barreleye/vmm/control"
	"barreleye/vmm/multikernel"
)

// Requests about one core. The answer is a Core.
const (
	Stop    = "stop"    // end its life for good (EndArgs)
	Restart = "restart" // end its life and begin the next (EndArgs)
	Kill    = "kill"    // end its life as a crash does (EndArgs, of which only Core counts)
	Park    = "park"    // take it off its CPU and keep its memory (PauseArgs)
	Resume  = "resume"  // let it go on (PauseArgs)
)

// EndArgs are the arguments of what ends a core's life.
type EndArgs struct {
	Core int `json:"core"`
	Ending
}

// Ending says how programs are to end.
type Ending struct {
	Now     bool  `json:"now,omitempty"`      // at once: they are not told
	GraceMS int64 `json:"grace_ms,omitempty"` // how long they may take, 0 for the run's own
}

// PauseArgs are the arguments of Park and Resume.
type PauseArgs struct {
	Core int `json:"core"`
}

// Core is the answer to what is asked about one core.
type Core struct {
	Core int    `json:"core"`
	Life uint64 `json:"life"` // that began, or ended; 0 where one that had not begun never will
}

var ops = map[string]multikernel.Op{
	Stop: multikernel.OpStop, Restart: multikernel.OpRestart, Kill: multikernel.OpKill,
	Park: multikernel.OpPark, Resume: multikernel.OpResume,
}

func (o *Operator) end(_ context.Context, q *control.Request) (any, error) {
	args, err := arguments[EndArgs](q)
	if err != nil {
		return nil, err
	}
	cmd := multikernel.Command{Op: ops[q.Do], Core: args.Core}
	if err := args.apply(&cmd); err != nil {
		return nil, err
	}
	return o.ofCore(cmd)
}

func (o *Operator) pause(_ context.Context, q *control.Request) (any, error) {
	args, err := arguments[PauseArgs](q)
	if err != nil {
		return nil, err
	}
	return o.ofCore(multikernel.Command{Op: ops[q.Do], Core: args.Core})
}

// maxGrace bounds what is asked for, so that no sum of times overflows.
const maxGrace = 24 * time.Hour

// apply tells a command how programs are to end.
func (e Ending) apply(cmd *multikernel.Command) error {
	if e.GraceMS < 0 || e.GraceMS > maxGrace.Milliseconds() {
		return control.Usage("%s: %d ms of grace: give 0 to %d", cmd.Op, e.GraceMS, maxGrace.Milliseconds())
	}
	cmd.Drain, cmd.Grace = !e.Now, time.Duration(e.GraceMS)*time.Millisecond
	return nil
}

// ofCore has the run obey a command about one core.
func (o *Operator) ofCore(cmd multikernel.Command) (any, error) {
	r, err := o.do(cmd)
	if err != nil {
		return nil, err
	}
	return Core{r.Core, r.Life}, nil
}
