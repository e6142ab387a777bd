package ledger

import (
	"encoding/binary"
	"fmt"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/numbers"
)

// kind is what an operation does.
type kind uint8

// First is the first byte that an operation may begin with, Last the last one: package
// replica tells by it whose an operation is.
const (
	First = 0x40
	Last  = 0x7f
)

const (
	opEnter  kind = First + iota // core begins a life
	opTake                       // core holds an extent of the area, or an endpoint
	opGive                       // the only holder lets go of what is not in use
	opSend                       // another core holds the entry too
	opShare                      // as opSend, of a new entry that is cut from one
	opMove                       // another core holds the entry instead
	opRetype                     // new entries are cut from one
	opRevoke                     // the others lose the entry, and all what was cut from it
	opDrop                       // a holder lets go
	opPart                       // a new entry is made of part of one, above what was cut there
	opRecall                     // all cores are asked to give back what they keep unused
	opYield                      // core has done so
	opEnd
)

// MaxRetype is the largest number of entries that one Retype makes.
const MaxRetype = 1024

// operation is an agreement.Op taken apart. Every kind uses some of it.
type operation struct {
	op     agreement.Op
	kind   kind
	core   int // whose operation it is
	life   uint64
	entry  ID
	to     int // who gets it; opYield: who asked
	toLife uint64
	rights caps.Rights // that it gets; opRetype, opPart: that core gets to the new entries
	own    caps.Rights // opShare: that core keeps
	owns   bool        // opMove: core is the owner
	tag    uint64
	first  ID          // of the entries that it makes
	extent caps.Extent // of the first of them, or the part that is revoked
	count  uint64      // of them
}

// makes reports whether the operation makes entries, gives whether it gives one to another
// core, and lets whether core holds the entry no more.
func (o *operation) makes() bool {
	return o.kind == opTake || o.kind == opShare || o.kind == opRetype || o.kind == opPart
}
func (o *operation) gives() bool { return o.kind == opSend || o.kind == opShare || o.kind == opMove }
func (o *operation) lets() bool  { return o.kind == opGive || o.kind == opMove || o.kind == opDrop }

// asks reports whether the operation is about no entry, and changes none.
func (o *operation) asks() bool { return o.kind == opRecall || o.kind == opYield }

// made returns the i-th entry that the operation makes.
func (o *operation) made(i uint64) (ID, caps.Extent) {
	e := o.extent
	e.Base += i * e.Size
	return o.first + ID(i), e
}

// whole is all that the operation makes.
func (o *operation) whole() caps.Extent {
	e := o.extent
	e.Size *= o.count
	return e
}

// ownsBit is beside the rights.
const ownsBit = 0x80

// encode writes the operation down.
func (o *operation) encode() agreement.Op {
	b := append(make([]byte, 0, 96), byte(o.kind), byte(o.rights), byte(o.own)) // on the stack
	if o.owns {
		b[1] |= ownsBit
	}
	for _, v := range [...]uint64{
		uint64(o.core), o.life, uint64(o.entry), uint64(o.to), o.toLife, o.tag,
		uint64(o.first), uint64(o.extent.Type), o.extent.Base, o.extent.Size, o.count,
	} {
		b = binary.AppendUvarint(b, v)
	}
	if o.makes() {
		o.op = agreement.Op(b) // no other is the same
	} else {
		o.op = written.Op(b)
	}
	return o.op
}

// written are operations of this core.
var written agreement.Recent

// decode takes an operation apart; ok is false where no encode made it, or where it says
// what makes no sense whatever the ledger holds.
func decode(op agreement.Op) (o operation, ok bool) {
	if len(op) < 3 || len(op) > agreement.MaxOp {
		return o, false
	}
	var v [11]uint64
	r := numbers.Text{Rest: string(op[3:])}
	for i := range v {
		v[i] = r.Number()
	}
	if r.Bad || r.Rest != "" || v[0] >= cores.Max || v[3] >= cores.Max || v[7] > uint64(caps.IRQ) {
		return o, false
	}
	o = operation{
		op: op, kind: kind(op[0]), rights: caps.Rights(op[1] &^ ownsBit), own: caps.Rights(op[2]), owns: op[1]&ownsBit != 0,
		core: int(v[0]), life: v[1], entry: ID(v[2]), to: int(v[3]), toLife: v[4], tag: v[5],
		first: ID(v[6]), extent: caps.Extent{Type: caps.Type(v[7]), Base: v[8], Size: v[9]}, count: v[10],
	}
	return o, o.sane()
}

// sane reports whether the operation makes sense.
func (o *operation) sane() bool {
	switch {
	case o.kind < opEnter || o.kind >= opEnd, o.rights&^caps.All != 0, o.own&^caps.All != 0,
		o.life == 0 || o.life > maxLife, o.count > MaxRetype,
		(o.kind == opEnter || o.kind == opTake || o.asks()) != (o.entry == 0):
		return false
	case o.makes():
		maker, life := o.first.maker()
		return shareable(o.extent.Type) && o.extent.Check() == nil && o.count > 0 && (o.count == 1 || o.kind == opRetype) &&
			o.extent.Size < 1<<52 && o.extent.Base+o.extent.Size*o.count > o.extent.Base &&
			maker == o.core && life == o.life && uint64(o.first)&maxNumber+o.count-1 <= maxNumber &&
			(o.kind != opTake && o.kind != opPart || o.extent.Type == caps.RAM || o.kind == opTake && o.endpoint())
	case o.kind == opRevoke:
		return o.extent.Check() == nil
	}
	return true
}

// endpoint reports whether it makes an endpoint, as Offer does.
func (o *operation) endpoint() bool {
	return o.extent.Type == caps.Endpoint && o.extent.Base == uint64(o.first)
}

// shareable reports whether several cores may hold something of a type. What CNodes and
// dispatchers are depends on their core.
func shareable(t caps.Type) bool {
	switch t {
	case caps.RAM, caps.Frame, caps.PML4, caps.PDPT, caps.PageDir, caps.PageTable, caps.Endpoint:
		return true
	}
	return false
}

// Made returns which entries an operation makes: those from first on.
func (l *Ledger) Made(op agreement.Op) (first ID, count int) {
	if o, ok := l.apart(op); ok && o.makes() {
		return o.first, int(o.count)
	}
	return 0, 0
}

var verbs = [opEnd - First]string{
	"enter", "take", "give back", "send", "share", "move", "retype", "revoke", "drop", "part", "recall", "yield",
}

// Verb says what an operation with that first byte does, "" where there is none.
func Verb(first byte) string {
	if first >= byte(First) && first < byte(opEnd) {
		return verbs[first-byte(First)]
	}
	return ""
}

// Describe says in a few words what an operation does. Whoever wrote it may have written
// anything.
func Describe(op agreement.Op) string {
	o, ok := decode(op)
	if !ok {
		return fmt.Sprintf("no operation on the ledger: %x", string(op))
	}
	s := verbs[o.kind-First]
	if o.entry != 0 {
		s += " " + o.entry.String()
	}
	if o.makes() {
		s += fmt.Sprintf(" %v", o.extent)
	}
	if o.kind == opRetype && o.count > 1 {
		s += fmt.Sprintf(" x %d", o.count)
	}
	if o.gives() {
		s += fmt.Sprintf(" to core %d as %v", o.to, o.rights)
	}
	if o.kind == opYield {
		s += fmt.Sprintf(" to core %d", o.to)
	}
	return fmt.Sprintf("%s by core %d", s, o.core)
}
