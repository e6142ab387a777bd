package names

import (
	"fmt"

	"barreleye/guest/monitor/agreement"
)

var verbs = [...]string{
	opExport: "export", opWithdraw: "withdraw", opLock: "lock", opUnlock: "unlock", opPublish: "publish on", opArrive: "arrive at",
}

// Describe says in a few words what an operation does. Whoever wrote it may have written
// anything.
func Describe(op agreement.Op) string {
	o, ok := decode(op)
	if !ok {
		return fmt.Sprintf("no operation on names: %x", string(op))
	}
	return fmt.Sprintf("%s %q by core %d", verbs[o.kind], o.name, o.core)
}

// Verb says what an operation with that first byte does, "" where there is none.
func Verb(first byte) string {
	if int(first) < len(verbs) {
		return verbs[first]
	}
	return ""
}
