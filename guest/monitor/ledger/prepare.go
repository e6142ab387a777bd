package ledger

import (
	"fmt"
	"slices"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/caps"
)

// Prepare implements agreement.State.
func (l *Ledger) Prepare(op agreement.Op) bool {
	o, ok := l.apart(op)
	if !ok || !(l.fresh && op == l.latest.op) && l.allows(&o) != nil {
		return false
	}
	l.fresh = false
	l.prepared = append(l.prepared, o)
	return true
}

// apart returns an operation taken apart; ok is false where nobody made it.
func (l *Ledger) apart(op agreement.Op) (o operation, ok bool) {
	if op != "" && l.latest.op == op {
		return l.latest, true
	}
	return decode(op)
}

// Abort implements agreement.State.
func (l *Ledger) Abort(op agreement.Op) { l.release(op) }

// release ends what was prepared, and returns it taken apart; ok is false where it was not.
func (l *Ledger) release(op agreement.Op) (o operation, ok bool) {
	l.fresh = false
	for i := range l.prepared {
		if l.prepared[i].op == op {
			o = l.prepared[i]
			l.prepared = slices.Delete(l.prepared, i, i+1)
			return o, true
		}
	}
	return o, false
}

// allows says why an operation may not take effect now; nil: it may. Once it may, it may
// still after any death, and after any operation that is not in conflict with it: a core that
// joins asks later than the others did, and its answer must be theirs. So only the core that
// begins the operation asks whether the one that is given something lives; Commit gives a dead
// one nothing.
func (l *Ledger) allows(o *operation) error {
	for i := range l.prepared {
		if l.conflict(o, &l.prepared[i]) {
			return ErrBusy
		}
	}
	now := l.lives.of(o.core)
	if o.kind == opEnter {
		if now.alive || o.life != now.number+1 {
			return fmt.Errorf("core %d is in life %d already", o.core, now.number)
		}
		return nil
	}
	if !now.alive || now.number != o.life {
		return fmt.Errorf("core %d: %w", o.core, ErrLife)
	}
	switch {
	case o.kind == opTake:
		return l.cut(l.root(o.extent.Type), o)
	case o.asks():
		return nil
	}
	e := l.find(o.entry)
	if e == nil {
		return caps.ErrGone
	}
	h, ok := e.rights(o.core)
	if !ok {
		return caps.ErrGone
	}
	if o.gives() {
		to := l.lives.of(o.to)
		switch {
		case o.to == o.core:
			return fmt.Errorf("core %d has it: %w", o.to, caps.ErrOverlap)
		case to.number < o.toLife, o.core == l.self && !to.alive:
			return fmt.Errorf("core %d: %w", o.to, ErrLife)
		case h&caps.Grant == 0:
			return fmt.Errorf("grant: %w", caps.ErrRights)
		}
	}
	if (o.rights|o.own)&^h != 0 {
		return fmt.Errorf("%v of %v: %w", o.rights|o.own, h, caps.ErrRights)
	}
	if (o.kind == opShare || o.kind == opRetype || o.kind == opPart || o.kind == opRevoke) && h&caps.Derive == 0 {
		return fmt.Errorf("derive: %w", caps.ErrRights)
	}
	switch o.kind {
	case opShare, opRetype, opPart:
		return l.cut(e, o)
	case opGive:
		if len(e.holders) > 1 || len(e.children) > 0 {
			return ErrShared
		}
	case opRevoke:
		if !o.extent.Within(e.extent) {
			return caps.ErrExtent
		}
	}
	return nil
}

// cut says why what o makes cannot be cut from e.
func (l *Ledger) cut(e *entry, o *operation) error {
	x := o.whole()
	if e != l.root(x.Type) && !caps.Allowed(e.extent.Type, x.Type) {
		return fmt.Errorf("%v to %v: %w", e.extent.Type, x.Type, caps.ErrType)
	}
	if !x.Within(e.extent) {
		return fmt.Errorf("%v is not in %v: %w", x, e.extent, caps.ErrExtent)
	}
	for _, c := range e.overlapping(x) {
		if o.kind != opPart || !c.extent.Within(x) {
			return fmt.Errorf("%v is there: %w", c.extent, caps.ErrOverlap)
		}
	}
	for i := range o.count {
		if id, _ := o.made(i); l.entries[id] != nil {
			return fmt.Errorf("%v: %w", id, ErrOp)
		}
	}
	return nil
}

// conflict reports whether two operations must not be under way at once: where the order
// of their effects would matter, or the effect of one make the other one wrong.
func (l *Ledger) conflict(a, b *operation) bool {
	switch {
	case a.kind == opEnter || b.kind == opEnter:
		return a.kind == b.kind && a.core == b.core
	case a.kind == opRevoke && l.within(b, a), b.kind == opRevoke && l.within(a, b):
		return true
	case a.makes() && b.makes() && a.first < b.first+ID(b.count) && b.first < a.first+ID(a.count):
		return true
	case a.entry != b.entry:
		return false
	case a.makes() && b.makes():
		return (a.extent.Type == caps.Endpoint) == (b.extent.Type == caps.Endpoint) && a.whole().Overlaps(b.whole())
	case a.owns && b.owns: // a death or a copy that one has not seen made two of them owner
		return true
	}
	// What a core lets go of it does not use meanwhile, and nobody gives it again.
	return a.lets() && b.uses(a.core) || b.lets() && a.uses(b.core)
}

// uses reports whether the operation depends on, or changes, that core's holding of its
// entry.
func (o *operation) uses(core int) bool {
	return o.core == core || o.gives() && o.kind != opShare && o.to == core
}

// within reports whether o is about something that a revocation is about.
func (l *Ledger) within(o, revoke *operation) bool {
	if o.entry == 0 {
		return false
	}
	e, top := l.entries[o.entry], l.entries[revoke.entry]
	return e != nil && top != nil && e.below(top)
}
