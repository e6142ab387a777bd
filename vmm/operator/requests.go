package operator

import (
	"context"

	"barreleye/vmm/control"
)

// requests are all there are, by name.
var requests = map[string]func(*Operator, context.Context, *control.Request) (any, error){
	Ps:       (*Operator).ps,
	Add:      (*Operator).add,
	Stop:     (*Operator).end,
	Restart:  (*Operator).end,
	Kill:     (*Operator).end,
	Park:     (*Operator).pause,
	Resume:   (*Operator).pause,
	Update:   (*Operator).update,
	Stacks:   (*Operator).stacks,
	Profile:  (*Operator).profile,
	Trace:    (*Operator).trace,
	Monitor:  (*Operator).monitor,
	Caps:     (*Operator).caps,
	Debug:    (*Operator).debug,
	Shutdown: (*Operator).shutdown,
	Dump:     (*Operator).dump,
}
