package multikernel

import (
	"errors"
	"fmt"
	"time"

	"barreleye/urpc/trace"
)

// MaxTrace is the longest trace of a run that lives.
const MaxTrace = 10 * time.Minute

// Errors of OpTrace.
var (
	errTraced   = errors.New("the run is being traced")
	errDuration = errors.New("impossible duration")
)

// traceLive traces the cores for a while (OpTrace), and answers when the records are
// in the run's folder. One trace is taken at a time; that of a whole run (Options.Trace)
// goes on, and what is there of it is the answer.
func (r *run) traceLive(cmd *Command) {
	switch {
	case cmd.Duration <= 0 || cmd.Duration > MaxTrace:
		cmd.refuse(fmt.Errorf("%w of %v", errDuration, cmd.Duration), fmt.Sprintf("give more than 0 and at most %v", MaxTrace))
		return
	case r.stop != nil:
		cmd.refuse(errors.New("the run is ending"), "'barreleye logs' shows its lines")
		return
	case r.opt.Trace != "":
		time.AfterFunc(cmd.Duration, func() { r.tell(func() { cmd.answer(Reply{}) }) })
		return
	case r.tracer.Load() != nil:
		cmd.refuse(errTraced, "ask again when that trace is there")
		return
	}
	kinds := cmd.Kinds
	if kinds == 0 {
		kinds = trace.AllKinds
	}
	if err := r.beginTrace(kinds, nil); err != nil {
		cmd.answer(Reply{Err: err})
		return
	}
	for _, c := range r.cores {
		if !c.over {
			r.noteLife(c, c.number, trace.LifeBegins) // as far as the trace knows
		}
	}
	r.tracing = cmd
	time.AfterFunc(cmd.Duration, func() { r.tell(r.endLiveTrace) })
}

// endLiveTrace ends what traceLive began, beside everything else.
func (r *run) endLiveTrace() {
	cmd, t := r.tracing, r.tracer.Load()
	if cmd == nil {
		return
	}
	r.tracing = nil
	r.want(0)
	r.working.Go(func() {
		err := t.close()
		r.done <- func() {
			r.tracer.Store(nil)
			cmd.answer(Reply{Err: err})
		}
	})
}
