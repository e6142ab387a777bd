package operator

import (
	"context"

	"barreleye/vmm/control"
	"barreleye/vmm/multikernel"
)

// Shutdown ends the run: an Ending is its argument. It is answered by an End once that is
// so.
const Shutdown = "shutdown"

// End tells how a run ended.
type End struct {
	ExitCode int `json:"exit_code"`
}

func (o *Operator) shutdown(_ context.Context, q *control.Request) (any, error) {
	args, err := arguments[Ending](q)
	if err != nil {
		return nil, err
	}
	cmd := multikernel.Command{Op: multikernel.OpShutdown}
	if err := args.apply(&cmd); err != nil {
		return nil, err
	}
	if _, err := o.do(cmd); err != nil {
		return nil, err
	}
	<-o.ended
	return End{o.exitCode}, nil
}
