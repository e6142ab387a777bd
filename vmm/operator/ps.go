package operator

import (
	"context"

	"barreleye/vmm/control"
	"barreleye/vmm/multikernel"
)

// Ps asks how the run and its cores are. It has no arguments; the answer is a
// multikernel.Report.
const Ps = "ps"

func (o *Operator) ps(context.Context, *control.Request) (any, error) {
	r, err := o.do(multikernel.Command{Op: multikernel.OpStatus})
	return r.Status, err
}
