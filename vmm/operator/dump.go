package operator

import (
	"context"
	"path/filepath"

	"barreleye/vmm/control"
	"barreleye/vmm/multikernel"
)

// Dump asks for a core file of a core that lives (DumpArgs). The answer is a Dumped.
const Dump = "dump"

// DumpArgs are the arguments of Dump.
type DumpArgs struct {
	Core int `json:"core"`
}

// Dumped tells where the core file is.
type Dumped struct {
	Core int    `json:"core"`
	Life uint64 `json:"life"`
	File string `json:"file"` // its name in the run's folder
}

func (o *Operator) dump(_ context.Context, q *control.Request) (any, error) {
	args, err := arguments[DumpArgs](q)
	if err != nil {
		return nil, err
	}
	r, err := o.do(multikernel.Command{Op: multikernel.OpDump, Core: args.Core})
	if err != nil {
		return nil, err
	}
	return Dumped{r.Core, r.Life, filepath.Base(r.File)}, nil
}
