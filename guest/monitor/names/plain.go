package names

import (
	"strings"
	"sync/atomic"

	"barreleye/guest/monitor/agreement"
)

// plain is an operation that says nothing beside what it does to which name, for whom.
type plain struct {
	kind kind
	core int
	name string
}

// plains are those that this core's program made lately, with the operations that they are: a
// lock is taken and given back again and again.
var plains [1 << plainBits]atomic.Pointer[madePlain]

const plainBits = 6

type madePlain struct {
	plain
	op agreement.Op
}

// op returns the operation. It fails as encode does.
func (p plain) op() (agreement.Op, error) {
	place := &plains[(hash(p.name)^uint64(p.kind)<<(64-plainBits))>>(64-plainBits)]
	if made := place.Load(); made != nil && made.plain == p {
		return made.op, nil
	}
	op, err := (&operation{kind: p.kind, core: p.core, name: p.name}).encode()
	if err == nil {
		p.name = strings.Clone(p.name)
		place.Store(&madePlain{p, op})
	}
	return op, err
}
