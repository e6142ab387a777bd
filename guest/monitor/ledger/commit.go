package ledger

import (
	"maps"
	"slices"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/caps"
)

// Commit implements agreement.State. It does what fits and nothing else, whatever a faulty
// core has had agreed on.
func (l *Ledger) Commit(op agreement.Op, prepared bool) {
	l.fresh = false
	var o operation
	if prepared {
		o, prepared = l.release(op)
	}
	if !prepared {
		var ok bool
		if o, ok = decode(op); !ok {
			return
		}
	}
	e := l.at(o.entry)
	if o.entry == 0 {
		e = l.root(o.extent.Type)
	}
	if e == nil {
		return
	}
	switch o.kind {
	case opEnter:
		if o.life > l.lives.of(o.core).number {
			l.lives.set(o.core, life{o.life, true})
			l.tell(Change{Event: Entered, Core: o.core})
		}
	case opTake:
		l.make(e, o.first, o.extent, o.core, caps.All)
	case opPart:
		l.part(e, &o)
	case opRetype:
		for i := range o.count {
			id, x := o.made(i)
			l.make(e, id, x, o.core, o.rights)
		}
	case opShare:
		if n := l.make(e, o.first, o.extent, o.core, o.own); n != nil {
			l.give(n, &o)
		}
	case opSend:
		l.give(e, &o)
	case opMove:
		if l.give(e, &o) && o.owns {
			e.chosen = o.to
		}
		l.leave(e, o.core, o.core)
	case opGive, opDrop:
		l.leave(e, o.core, o.core)
	case opRevoke:
		l.revoke(e, &o)
	case opRecall:
		l.tell(Change{Event: Recalled, Core: o.core, Tag: o.tag})
	case opYield:
		if o.to == l.self {
			l.tell(Change{Event: Yielded, Core: o.core, Tag: o.tag})
		}
	}
}

// Late implements agreement.State: who gets what is moved must not find it in use.
func (l *Ledger) Late(op agreement.Op, own bool) bool {
	return own && len(op) > 0 && kind(op[0]) != opMove
}

// Apply implements agreement.State: no operation of the ledger has one phase.
func (l *Ledger) Apply(agreement.Op) {}

// Gone implements agreement.State. The core holds nothing any more. That has the same effect
// before and after whatever is under way: that was refused here, or at who has not seen
// the death, where it depends on it, and what gives the core something gives nothing then.
func (l *Ledger) Gone(core int) {
	l.fresh = false
	if now := l.lives.of(core); now.alive {
		l.lives.set(core, life{now.number, false})
		l.tell(Change{Event: Departed, Core: core})
	}
	for _, id := range slices.Sorted(maps.Keys(l.entries)) {
		if e := l.entries[id]; e != nil {
			l.leave(e, core, core)
		}
	}
}

// make cuts an entry from e, for a core. It is nil where there is no room.
func (l *Ledger) make(e *entry, id ID, x caps.Extent, core int, r caps.Rights) *entry {
	at := e.search(x.Base)
	if !x.Within(e.extent) || e.blocks(at, x) || l.entries[id] != nil || !l.lives.of(core).alive {
		return nil
	}
	n := l.entry(id, x, e, core)
	n.hold(core, r)
	e.children = slices.Insert(e.children, at, n)
	l.entries[id] = n
	if core == l.self {
		l.tell(Change{Event: Gained, Core: core, Entry: id, Extent: x, Rights: r, From: core})
	}
	return n
}

// part makes an entry above the children that lie in it.
func (l *Ledger) part(e *entry, o *operation) {
	children := slices.Clone(e.overlapping(o.extent))
	if slices.ContainsFunc(children, func(c *entry) bool { return !c.extent.Within(o.extent) }) {
		return
	}
	at := e.search(o.extent.Base)
	rest := e.children
	e.children = slices.Delete(slices.Clone(rest), at, at+len(children))
	n := l.make(e, o.first, o.extent, o.core, o.rights)
	if n == nil {
		e.children = rest
		return
	}
	n.children = children
	for _, c := range children {
		c.parent = n
	}
}

// give lets a core hold an entry, unless it has died.
func (l *Ledger) give(e *entry, o *operation) bool {
	if to := l.lives.of(o.to); !to.alive || to.number != o.toLife {
		return false
	}
	e.hold(o.to, o.rights)
	if o.to == l.self {
		l.tell(Change{Event: Gained, Core: o.to, Entry: e.id, Extent: e.extent, Rights: o.rights, From: o.core, Tag: o.tag})
	}
	return true
}

// leave lets a core hold an entry no more, as core by wants it.
func (l *Ledger) leave(e *entry, core, by int) {
	i, ok := e.holder(core)
	if !ok {
		return
	}
	e.holders = slices.Delete(e.holders, i, i+1)
	if e.chosen == core {
		e.chosen = nobody
	}
	if core == l.self {
		l.tell(Change{Event: Lost, Core: core, Entry: e.id, Extent: e.extent, From: by})
	}
	if len(e.holders) > 0 {
		return
	}
	at := e.parent.search(e.extent.Base)
	e.parent.children = slices.Replace(e.parent.children, at, at+1, e.children...)
	for _, c := range e.children {
		c.parent = e.parent
	}
	if _, mine := e.parent.holder(l.self); mine || e.parent.parent == nil {
		l.tell(Change{Event: Freed, Entry: e.id, Extent: e.extent})
	}
	l.forget(e)
}

// revoke takes from the others what o says.
func (l *Ledger) revoke(e *entry, o *operation) {
	if _, ok := e.holder(o.core); !ok {
		return
	}
	l.going = e.within(o.extent, l.going[:0])
	for _, d := range l.going {
		for len(d.holders) > 0 {
			l.leave(d, d.holders[0].Core, o.core)
		}
	}
	clear(l.going)
	if e.extent.Within(o.extent) {
		for i := 0; i < len(e.holders); {
			if c := e.holders[i].Core; c != o.core {
				l.leave(e, c, o.core)
			} else {
				i++
			}
		}
		e.chosen = o.core
	}
	if o.core == l.self {
		l.settling = append(l.settling, revoked{o.op, e.id})
		l.tell(Change{Event: Revoked, Core: o.core, Entry: e.id, Extent: o.extent})
	}
}

// within appends what was cut from e and lies in an extent, each before what was cut from it.
func (e *entry) within(x caps.Extent, list []*entry) []*entry {
	for _, c := range e.overlapping(x) {
		if c.extent.Within(x) {
			list = append(list, c)
		}
		list = c.within(x, list)
	}
	return list
}
