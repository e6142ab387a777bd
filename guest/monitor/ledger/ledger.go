package ledger

import (
	"slices"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/caps"
)

// Ledger is one core's replica. It implements agreement.State.
type Ledger struct {
	self    int
	area    *entry // nobody holds it; nil extent: there is no shared memory
	numbers *entry // nobody holds it: of endpoints, which are no memory
	entries map[ID]*entry
	near    *entry // found last
	lives   lives

	prepared []operation
	settling []revoked // by this core, and not all have seen it yet
	number   uint64    // of the last entry that this core has named
	changes  []Change
	latest   operation // that this core has made: it need not be taken apart
	fresh    bool      // nothing has changed since then: it may be prepared
	going    []*entry  // for revoke
	spare    []*entry  // that are no more, at most mostSpare
}

// revoked is an entry that this core has revoked, by an operation.
type revoked struct {
	op    agreement.Op
	entry ID
}

// New returns the replica of core self in a multikernel whose cores share the given memory
// and nobody has any of it yet. Size 0 is no memory.
func New(self int, area caps.Extent) *Ledger {
	return &Ledger{
		self: self, area: &entry{extent: area, chosen: nobody},
		numbers: &entry{extent: caps.Extent{Type: caps.Endpoint, Size: 1<<64 - 1}, chosen: nobody},
		entries: map[ID]*entry{},
	}
}

// Area returns the memory that the ledger is about.
func (l *Ledger) Area() caps.Extent { return l.area.extent }

// Entered reports whether a core has entered in its present life: only then it may take
// memory, or be given some.
func (l *Ledger) Entered(core int) bool { return l.lives.of(core).alive }

// Entry returns what is known of an entry.
func (l *Ledger) Entry(id ID) (Entry, bool) {
	e := l.find(id)
	if e == nil {
		return Entry{}, false
	}
	return e.entry(), true
}

func (e *entry) entry() Entry {
	x := Entry{ID: e.id, Extent: e.extent, Owner: e.owner(), Parent: e.parent.id}
	x.Holders = slices.Clone(e.holders)
	return x
}

// Entries returns all entries: each after what it was cut from, neighbours by address.
func (l *Ledger) Entries() (list []Entry) {
	l.walk(func(e *entry) { list = append(list, e.entry()) })
	return list
}

// walk visits all entries, each before what was cut from it.
func (l *Ledger) walk(visit func(*entry)) {
	l.area.walk(visit)
	l.numbers.walk(visit)
}

// root returns what entries of a type that were cut from none lie in.
func (l *Ledger) root(t caps.Type) *entry {
	if t == caps.Endpoint {
		return l.numbers
	}
	return l.area
}

// Endpoint returns the core that made an endpoint, and whether it still lives that life: only
// then it answers.
func (l *Ledger) Endpoint(number uint64) (core int, lives bool) {
	core, life := ID(number).maker()
	now := l.lives.of(core)
	return core, now.alive && now.number == life
}

// MayUse reports whether a core holds an entry, or is about to as far as this replica knows:
// others may know already that it does.
func (l *Ledger) MayUse(id ID, core int) bool {
	e := l.find(id)
	if e == nil {
		return false
	}
	_, held := e.holder(core)
	return held || slices.ContainsFunc(l.prepared, func(o operation) bool { return o.gives() && o.entry == id && o.to == core })
}

// walk visits all that was cut from e, each before what was cut from it.
func (e *entry) walk(visit func(*entry)) {
	for _, c := range e.children {
		visit(c)
		c.walk(visit)
	}
}

// Children returns what was cut from an entry (0: from the area), by address.
func (l *Ledger) Children(id ID) (list []Entry) {
	if e := l.at(id); e != nil {
		for _, c := range e.children {
			list = append(list, c.entry())
		}
	}
	return list
}

// Used returns a part of an extent that was cut from an entry, if there is one.
func (l *Ledger) Used(id ID, x caps.Extent) (used caps.Extent, ok bool) {
	if e := l.at(id); e != nil {
		if list := e.overlapping(x); len(list) > 0 {
			return list[0].extent, true
		}
	}
	return used, false
}

func (l *Ledger) at(id ID) *entry {
	if id == 0 {
		return l.area
	}
	return l.find(id)
}

// find returns an entry, nil where there is none.
func (l *Ledger) find(id ID) *entry {
	if e := l.near; e != nil && e.id == id {
		return e
	}
	e := l.entries[id]
	if e != nil {
		l.near = e
	}
	return e
}

// Held returns what a core holds, by address.
func (l *Ledger) Held(core int) (list []Entry) {
	l.walk(func(e *entry) {
		if _, ok := e.holder(core); ok {
			list = append(list, e.entry())
		}
	})
	return list
}

// Rights returns what a core may do with an entry at most, and whether it holds it.
func (l *Ledger) Rights(id ID, core int) (r caps.Rights, ok bool) {
	if e := l.find(id); e != nil {
		r, ok = e.rights(core)
	}
	return r, ok
}

// Shared reports whether another core holds an entry: then only Retype may cut it.
func (l *Ledger) Shared(id ID) bool {
	e := l.find(id)
	if e == nil {
		return false
	}
	_, mine := e.holder(l.self)
	return !mine || len(e.holders) > 1
}

// Alone reports whether this core may cut and use an entry as if no other core were there:
// it alone holds it, no operation of its own on the entry is under way, and all others have
// seen what it has revoked of it.
func (l *Ledger) Alone(id ID) bool {
	if l.find(id) == nil || l.Shared(id) {
		return false
	}
	return !slices.ContainsFunc(l.prepared, func(o operation) bool { return o.core == l.self && o.entry == id }) &&
		!slices.ContainsFunc(l.settling, func(r revoked) bool { return r.entry == id })
}

// Ended is to be called when an operation of this core has ended: until then Alone is false
// for what it has revoked.
func (l *Ledger) Ended(op agreement.Op) {
	if i := slices.IndexFunc(l.settling, func(r revoked) bool { return r.op == op }); i >= 0 {
		l.settling = slices.Delete(l.settling, i, i+1)
	}
}

// Free returns the pieces of the area that nobody has taken, by address.
func (l *Ledger) Free() (list []caps.Extent) {
	at, end := l.area.extent.Base, l.area.extent.Base+l.area.extent.Size
	for _, c := range l.area.children {
		if at < c.extent.Base {
			list = append(list, caps.Extent{Type: caps.RAM, Base: at, Size: c.extent.Base - at})
		}
		at = c.extent.Base + c.extent.Size
	}
	if at < end {
		list = append(list, caps.Extent{Type: caps.RAM, Base: at, Size: end - at})
	}
	return list
}

// Find returns a piece of the given size that Take may take, its address a multiple of
// align. It passes over the first ones: whoever was refused one because others took it
// asks for another. It fails with ErrMemory where there is none at all.
func (l *Ledger) Find(size, align uint64, pass int) (found caps.Extent, err error) {
	err = ErrMemory
	align = max(align, caps.PageSize)
	for _, f := range l.Free() {
		end := f.Base + f.Size
		for at := (f.Base + align - 1) / align * align; at >= f.Base && at < end && end-at >= size; {
			e := caps.Extent{Type: caps.RAM, Base: at, Size: size}
			i := slices.IndexFunc(l.prepared, func(o operation) bool {
				return o.kind == opTake && o.extent.Type == caps.RAM && o.extent.Overlaps(e)
			})
			if i >= 0 {
				busy := l.prepared[i].extent
				at = (busy.Base + busy.Size + align - 1) / align * align
				continue
			}
			if found, err = e, nil; pass == 0 {
				return found, nil
			}
			pass--
			at = (at + size + align - 1) / align * align
		}
	}
	return found, err
}
