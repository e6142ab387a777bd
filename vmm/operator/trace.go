package operator

import (
	"context"
	"time"

	"barreleye/urpc/trace"
	"barreleye/vmm/control"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/timeline"
)

// Trace notes what all cores do for a while (TraceArgs). It is answered by a Traced once
// the records are in the run's folder, from which timeline.Convert makes a file.
const Trace = "trace"

// TraceArgs are its arguments.
type TraceArgs struct {
	DurationMS int64  `json:"duration_ms"`
	Kinds      uint64 `json:"kinds,omitempty"` // a trace.Set, 0 for everything
}

// Traced tells where the records are.
type Traced struct {
	Folder string `json:"folder"` // in the run's folder
}

func (o *Operator) trace(_ context.Context, q *control.Request) (any, error) {
	args, err := arguments[TraceArgs](q)
	if err != nil {
		return nil, err
	}
	if args.DurationMS < 1 || args.DurationMS > multikernel.MaxTrace.Milliseconds() {
		return nil, control.Usage("trace: %d ms: give 1 to %d", args.DurationMS, multikernel.MaxTrace.Milliseconds())
	}
	_, err = o.do(multikernel.Command{
		Op: multikernel.OpTrace, Duration: time.Duration(args.DurationMS) * time.Millisecond, Kinds: trace.Set(args.Kinds) & trace.AllKinds,
	})
	if err != nil {
		return nil, err
	}
	return Traced{timeline.Folder}, nil
}
