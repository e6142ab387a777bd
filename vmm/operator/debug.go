package operator

import (
	"context"
	"net"

	"barreleye/vmm/control"
	"barreleye/vmm/gdb"
	"barreleye/vmm/multikernel"
)

// Debug stops a core, or all, for a debugger: DebugArgs are its arguments. Behind the
// answer, which is a Debugged, the connection speaks gdb's remote protocol; when it
// ends, the cores go on.
const Debug = "debug"

// DebugArgs say what to debug.
type DebugArgs struct {
	Core int `json:"core"` // -1 for all that live
}

// Debugged tells which cores stand.
type Debugged struct {
	Cores []int `json:"cores"`
}

func (o *Operator) debug(_ context.Context, q *control.Request) (any, error) {
	args, err := arguments[DebugArgs](q)
	if err != nil {
		return nil, err
	}
	r, err := o.do(multikernel.Command{Op: multikernel.OpDebug, Core: args.Core})
	if err != nil {
		return nil, err
	}
	return control.Stream{Answer: Debugged{r.Debug.Cores()}, Serve: func(_ context.Context, conn net.Conn) {
		_ = gdb.Serve(conn, r.Debug) // why a debugger left is its own affair
	}}, nil
}
