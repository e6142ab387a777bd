package names

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/numbers"
)

// Kind is what an operation does.
type kind uint8

const (
	opExport   kind = 1 + iota // name is offered by core, as number, with properties
	opWithdraw                 // no longer
	opLock                     // name is held by core
	opUnlock                   // no longer
	opPublish                  // text on topic name
	opArrive                   // core is at barrier name for the number-th time
)

// operation is an agreement.Op taken apart.
type operation struct {
	kind       kind
	core       int
	name       string
	number     uint64
	properties []Property
	text       string
}

// Property is something that is known of a service.
type Property struct{ Key, Value string }

// TwoPhases reports whether an operation may be refused: which agreement it takes.
func TwoPhases(op agreement.Op) bool {
	return len(op) > 0 && kind(op[0]) != opPublish && kind(op[0]) != opArrive
}

// Export offers a service at the calling core. number is what a client needs to reach
// it there. It is refused where the name is taken.
func Export(core int, name string, number uint64, properties ...Property) (agreement.Op, error) {
	return (&operation{kind: opExport, core: core, name: name, number: number, properties: properties}).encode()
}

// Withdraw ends a service of the calling core. It is refused where that has none.
func Withdraw(core int, name string) (agreement.Op, error) {
	return plain{opWithdraw, core, name}.op()
}

// Lock takes a lock for the calling core. It is refused where anybody holds it.
func Lock(core int, name string) (agreement.Op, error) {
	return plain{opLock, core, name}.op()
}

// Unlock gives it back. It is refused where the core does not hold it.
func Unlock(core int, name string) (agreement.Op, error) {
	return plain{opUnlock, core, name}.op()
}

// Publish tells all cores something about a topic.
func Publish(core int, topic, text string) (agreement.Op, error) {
	return (&operation{kind: opPublish, core: core, name: topic, text: text}).encode()
}

// Arrive says that the calling core has come to a barrier for the time-th time in its life.
func Arrive(core int, barrier string, time uint64) (agreement.Op, error) {
	return (&operation{kind: opArrive, core: core, name: barrier, number: time}).encode()
}

// Undo returns the operation that undoes one of two phases where it took effect, "" where
// there is nothing to undo.
func Undo(op agreement.Op) agreement.Op {
	o, ok := decode(op)
	switch {
	case !ok:
		return ""
	case o.kind == opExport:
		o = operation{kind: opWithdraw, core: o.core, name: o.name}
	case o.kind == opLock:
		o.kind = opUnlock
	default:
		return ""
	}
	undo, _ := o.encode() // it is no longer than the other one
	return undo
}

// encode fails where the operation is too long, or its name empty.
func (o *operation) encode() (agreement.Op, error) {
	b := append(make([]byte, 0, agreement.MaxOp), byte(o.kind)) // on the stack
	b = binary.AppendUvarint(b, uint64(o.core))
	b = numbers.AppendText(b, o.name)
	b = binary.AppendUvarint(b, o.number)
	b = binary.AppendUvarint(b, uint64(len(o.properties)))
	for _, p := range o.properties {
		b = numbers.AppendText(numbers.AppendText(b, p.Key), p.Value)
	}
	b = numbers.AppendText(b, o.text)
	if o.name == "" || len(b) > agreement.MaxOp {
		return "", fmt.Errorf("names: %q: %d bytes in all, 1 to %d needed: use a shorter name, or fewer properties", o.name, len(b), agreement.MaxOp)
	}
	return made.Op(b), nil
}

// made are operations of this core's program.
var made agreement.Recent

// decode takes an operation apart, whose strings are parts of it; ok is false where no
// encode made it.
func decode(op agreement.Op) (o operation, ok bool) {
	if len(op) == 0 {
		return o, false
	}
	o.kind = kind(op[0])
	d := numbers.Text{Rest: string(op[1:])}
	o.core = int(min(d.Number(), 1<<16))
	o.name = d.Text()
	o.number = d.Number()
	for range min(d.Number(), agreement.MaxOp) {
		o.properties = append(o.properties, Property{d.Text(), d.Text()})
	}
	o.text = d.Text()
	return o, !d.Bad && d.Rest == "" && o.kind >= opExport && o.kind <= opArrive && o.name != ""
}

// sorted returns properties in the order of their keys, so that equal sets are equal.
func sorted(list []Property) []Property {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Property) int { return strings.Compare(a.Key, b.Key) })
	return list
}
