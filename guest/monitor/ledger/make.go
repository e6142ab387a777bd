package ledger

import (
	"fmt"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/caps"
)

// The methods below make operations of this core, to be agreed on by all cores in two
// phases. They change nothing, and fail where this core's replica would refuse.

// wanted returns the operation in bytes, and why it would be refused.
func (l *Ledger) wanted(o *operation) (agreement.Op, error) {
	o.core, o.life = l.self, l.lives.of(l.self).number
	if o.kind == opEnter {
		o.life++
	}
	if o.makes() {
		if o.first = newID(l.self, o.life, l.number+1); o.extent.Type == caps.Endpoint {
			o.extent.Base = uint64(o.first)
		}
	}
	if o.gives() {
		o.toLife = l.lives.of(o.to).number
	}
	op := o.encode()
	var err error
	switch {
	case o.kind != opEnter && !l.Entered(l.self):
		err = ErrLife
	case o.makes() && !shareable(o.extent.Type):
		err = caps.ErrType
	case !o.sane(), o.makes() && l.number+o.count > maxNumber:
		err = caps.ErrExtent
	default:
		err = l.allows(o)
	}
	if err != nil {
		return "", fmt.Errorf("ledger: %s: %w", Describe(op), err)
	}
	if o.makes() {
		l.number += o.count
	}
	l.latest, l.fresh = *o, true
	return op, nil
}

// Enter begins this core's life in the ledger. It is to be agreed on once in each life,
// before anything else.
func (l *Ledger) Enter() (agreement.Op, error) { return l.wanted(&operation{kind: opEnter}) }

// Take takes a piece of the area, which Find has found. The entry's ID is that of the
// Gained change.
func (l *Ledger) Take(e caps.Extent) (agreement.Op, error) {
	return l.wanted(&operation{kind: opTake, extent: e, count: 1})
}

// Offer makes an endpoint of this core: its number, which no other ever has, is the entry's ID.
func (l *Ledger) Offer() (agreement.Op, error) {
	return l.wanted(&operation{kind: opTake, extent: caps.Extent{Type: caps.Endpoint, Size: 1}, count: 1})
}

// Give gives an entry back: as Drop, but refused while others hold it or something was cut
// from it, with ErrShared.
func (l *Ledger) Give(id ID) (agreement.Op, error) {
	return l.wanted(&operation{kind: opGive, entry: id})
}

// Send lets another core hold an entry too, with rights that this core has. It takes the
// right to grant. The tag comes back in the receiver's change.
func (l *Ledger) Send(id ID, to int, r caps.Rights, tag uint64) (agreement.Op, error) {
	return l.wanted(&operation{kind: opSend, entry: id, to: to, rights: r, tag: tag})
}

// Share makes an entry of a part of another, which this core keeps with the rights own, and
// lets another core hold it as Send does: what a core has cut for itself gets known to all
// when it is sent. It takes the rights to derive and to grant.
func (l *Ledger) Share(id ID, part caps.Extent, own caps.Rights, to int, r caps.Rights, tag uint64) (agreement.Op, error) {
	return l.wanted(&operation{kind: opShare, entry: id, extent: part, count: 1, own: own, to: to, rights: r, tag: tag})
}

// Move hands an entry over: as Send, but this core holds it no more, and if it was the owner
// the other core is.
func (l *Ledger) Move(id ID, to int, r caps.Rights, tag uint64) (agreement.Op, error) {
	e := l.find(id)
	return l.wanted(&operation{kind: opMove, entry: id, to: to, rights: r, tag: tag, owns: e != nil && e.owner() == l.self})
}

// Retype cuts count entries of a type and a size out of an entry, from offset on, for this
// core, with rights that it has. It takes the right to derive, and is for entries that others hold too: what this
// core alone holds, it cuts in its own Space.
func (l *Ledger) Retype(id ID, to caps.Type, offset, size uint64, count int, r caps.Rights) (agreement.Op, error) {
	base := uint64(0)
	if e := l.find(id); e != nil {
		base = e.extent.Base
	}
	return l.wanted(&operation{kind: opRetype, entry: id, extent: caps.Extent{Type: to, Base: base + offset, Size: size}, rights: r, count: uint64(max(count, 0))})
}

// Revoke takes from all cores what was cut from an entry and lies in part of it; where part is
// all of it, also the entry from the other cores. It takes the right to derive.
func (l *Ledger) Revoke(id ID, part caps.Extent) (agreement.Op, error) {
	return l.wanted(&operation{kind: opRevoke, entry: id, extent: part})
}

// Part makes an entry of a part of another, both RAM, for this core: above what was cut there,
// which lies in it. So the rest of the other can be let go of. It takes the right to derive.
func (l *Ledger) Part(id ID, part caps.Extent, r caps.Rights) (agreement.Op, error) {
	return l.wanted(&operation{kind: opPart, entry: id, extent: part, rights: r, count: 1})
}

// Recall asks all cores that have entered, this one too, to give back what they have taken
// and do not use. Each gets it as a Recalled change, with the tag.
func (l *Ledger) Recall(tag uint64) (agreement.Op, error) {
	return l.wanted(&operation{kind: opRecall, tag: tag})
}

// Yield says to the core that asked, under the tag, that this one has done so.
func (l *Ledger) Yield(to int, tag uint64) (agreement.Op, error) {
	return l.wanted(&operation{kind: opYield, to: to, tag: tag})
}

// Drop lets go of an entry.
func (l *Ledger) Drop(id ID) (agreement.Op, error) {
	return l.wanted(&operation{kind: opDrop, entry: id})
}
