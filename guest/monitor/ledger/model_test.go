package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/simulate"
	"barreleye/guest/monitor/simulate/seeds"
)

// model is the same as a Ledger, as slowly and as plainly as possible: a list of who holds
// what, each with all that it was ever cut from, and no tree.
type model struct {
	area   caps.Extent
	lives  map[int]life
	held   []held
	chosen map[ID]int
	paths  map[ID][]ID // of every entry there ever was: from the one cut from the area to itself
	sizes  map[ID]caps.Extent
}

// held is one core's capability.
type held struct {
	id     ID
	core   int
	rights caps.Rights
}

func newModel(area caps.Extent) *model {
	return &model{area: area, lives: map[int]life{}, chosen: map[ID]int{}, paths: map[ID][]ID{}, sizes: map[ID]caps.Extent{}}
}

// derived reports whether an entry was cut from another one, directly or not, or is it.
func (m *model) derived(id, from ID) bool { return slices.Contains(m.paths[id], from) }

func (m *model) holding(id ID, core int) *held {
	i := slices.IndexFunc(m.held, func(h held) bool { return h.id == id && h.core == core })
	if i < 0 {
		return nil
	}
	return &m.held[i]
}

func (m *model) holders(id ID) (list []Holding) {
	for _, h := range m.held {
		if h.id == id {
			list = append(list, Holding{h.core, h.rights})
		}
	}
	slices.SortFunc(list, func(a, b Holding) int { return cmp.Compare(a.Core, b.Core) })
	return list
}

func (m *model) owner(id ID) int {
	if c, ok := m.chosen[id]; ok && m.holding(id, c) != nil {
		return c
	}
	return m.holders(id)[0].Core
}

// parent is the nearest of those that an entry was cut from that somebody holds.
func (m *model) parent(id ID) ID {
	path := m.paths[id]
	for i := len(path) - 2; i >= 0; i-- {
		if len(m.holders(path[i])) > 0 {
			return path[i]
		}
	}
	return 0
}

// entries are those that somebody holds.
func (m *model) entries() (list []Entry) {
	ids := map[ID]bool{}
	for _, h := range m.held {
		ids[h.id] = true
	}
	for id := range ids {
		list = append(list, Entry{ID: id, Extent: m.sizes[id], Parent: m.parent(id), Owner: m.owner(id), Holders: m.holders(id)})
	}
	slices.SortFunc(list, func(a, b Entry) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// refuses says why an operation may not take effect.
func (m *model) refuses(o *operation) error {
	now := m.lives[o.core]
	if o.kind == opEnter {
		if now.alive {
			return errEntered
		}
		return nil
	}
	if !now.alive {
		return ErrLife
	}
	if o.asks() {
		return nil
	}
	within, from := m.area, ID(0)
	if o.kind == opTake && o.extent.Type == caps.Endpoint {
		return nil // it has a number of its own
	}
	if o.kind != opTake {
		h := m.holding(o.entry, o.core)
		switch {
		case h == nil:
			return caps.ErrGone
		case o.gives() && o.to == o.core:
			return caps.ErrOverlap
		case o.gives() && !m.lives[o.to].alive:
			return ErrLife
		case o.gives() && h.rights&caps.Grant == 0,
			o.kind != opTake && (o.rights|o.own)&^h.rights != 0,
			(o.kind == opRevoke || o.kind == opRetype || o.kind == opPart || o.kind == opShare) && h.rights&caps.Derive == 0:
			return caps.ErrRights
		}
		within, from = m.sizes[o.entry], o.entry
	}
	switch {
	case o.kind == opGive:
		for _, h := range m.held {
			if m.derived(h.id, from) && (h.id != from || h.core != o.core) {
				return ErrShared
			}
		}
	case o.kind == opRevoke && !o.extent.Within(within):
		return caps.ErrExtent
	case o.makes():
		x := o.whole()
		switch {
		case from != 0 && !caps.Allowed(within.Type, x.Type):
			return caps.ErrType
		case !x.Within(within):
			return caps.ErrExtent
		}
		for _, h := range m.held {
			below := from == 0 || h.id != from && m.derived(h.id, from)
			if below && m.sizes[h.id].Type != caps.Endpoint && m.sizes[h.id].Overlaps(x) && (o.kind != opPart || !m.sizes[h.id].Within(x)) {
				return caps.ErrOverlap
			}
		}
	}
	return nil
}

var errEntered = errors.New("core has entered")

// take makes an operation take effect.
func (m *model) take(o *operation) {
	made := func(i uint64) ID {
		id, x := o.made(i)
		m.paths[id] = append(slices.Clone(m.paths[o.entry]), id)
		m.sizes[id] = x
		m.chosen[id] = o.core
		return id
	}
	give := func(id ID, core int, r caps.Rights) {
		if h := m.holding(id, core); h != nil {
			h.rights |= r
		} else {
			m.held = append(m.held, held{id, core, r})
		}
	}
	lets := func(goes func(held) bool) { m.held = slices.DeleteFunc(m.held, goes) }
	to := m.lives[o.to]
	lives := to.alive && to.number == o.toLife
	switch o.kind {
	case opEnter:
		m.lives[o.core] = life{o.life, true}
	case opTake:
		give(made(0), o.core, caps.All)
	case opRetype:
		for i := range o.count {
			give(made(i), o.core, o.rights)
		}
	case opPart:
		id := made(0)
		give(id, o.core, o.rights)
		for other, path := range m.paths {
			if i := slices.Index(path, o.entry); i >= 0 && i < len(path)-1 && other != id && m.sizes[other].Within(o.extent) {
				m.paths[other] = slices.Insert(slices.Clone(path), i+1, id)
			}
		}
	case opShare:
		id := made(0)
		give(id, o.core, o.own)
		if lives {
			give(id, o.to, o.rights)
		}
	case opSend, opMove:
		if o.kind == opMove && o.owns {
			m.chosen[o.entry] = o.to
			if !lives {
				delete(m.chosen, o.entry)
			}
		}
		if lives {
			give(o.entry, o.to, o.rights)
		}
		if o.kind == opMove {
			m.leave(o.entry, o.core)
		}
	case opGive, opDrop:
		m.leave(o.entry, o.core)
	case opRevoke:
		whole := o.extent.Within(m.sizes[o.entry]) && m.sizes[o.entry].Within(o.extent)
		lets(func(h held) bool {
			if h.id == o.entry {
				return whole && h.core != o.core
			}
			return m.derived(h.id, o.entry) && m.sizes[h.id].Within(o.extent)
		})
		if whole {
			m.chosen[o.entry] = o.core
		}
	}
}

func (m *model) leave(id ID, core int) {
	m.held = slices.DeleteFunc(m.held, func(h held) bool { return h.id == id && h.core == core })
	if c, ok := m.chosen[id]; ok && c == core {
		delete(m.chosen, id)
	}
}

// gone makes the death of a core take effect.
func (m *model) gone(core int) {
	m.lives[core] = life{m.lives[core].number, false}
	for _, id := range slices.Sorted(maps.Keys(m.paths)) {
		m.leave(id, core)
	}
}

// compare reports where a ledger differs.
func (m *model) compare(l *Ledger) error {
	if err := l.Check(); err != nil {
		return err
	}
	got, want := l.Entries(), m.entries()
	slices.SortFunc(got, func(a, b Entry) int { return cmp.Compare(a.ID, b.ID) })
	same := func(a, b Entry) bool {
		return a.ID == b.ID && a.Extent == b.Extent && a.Parent == b.Parent && a.Owner == b.Owner && slices.Equal(a.Holders, b.Holders)
	}
	if !slices.EqualFunc(got, want, same) {
		return fmt.Errorf("core %d has\n%v, the model\n%v", l.self, got, want)
	}
	return nil
}

// TestModel does random operations in four replicas and in the model, one after the other:
// same answers, same entries.
func TestModel(t *testing.T) { seeds.Test(t, 3000, sequence) }

func sequence(t simulate.Trial) error {
	c := t.Choices
	area := ram(0, 24)
	m := newModel(area)
	var list []*Ledger
	for i := range 4 {
		list = append(list, New(i, area))
	}
	for range 80 {
		l := list[c.N(len(list))]
		if l.Entered(l.self) && c.One(40) {
			t.Note("core %d dies", l.self)
			m.gone(l.self)
			for _, x := range list {
				x.Gone(l.self)
			}
			n := New(l.self, area)
			if err := n.Load(list[(l.self+1)%4].Save(nil)); err != nil {
				return err
			}
			list[l.self] = n
		}
		op, err := random(l, c, m)
		o, ok := decode(op)
		if !l.Entered(l.self) && o.kind != opEnter {
			if !errors.Is(err, ErrLife) {
				return fmt.Errorf("core %d has not entered: %v", l.self, err)
			}
			continue
		}
		if !ok {
			return fmt.Errorf("%s is malformed", Describe(op))
		}
		want := m.refuses(&o)
		t.Note("%s: %v", Describe(op), err)
		if want == errEntered && err != nil {
			want = err
		}
		if !errors.Is(err, want) || (err == nil) != (want == nil) {
			return fmt.Errorf("%s: %v, the model says %v", Describe(op), err, want)
		}
		if errors.Is(want, ErrLife) {
			continue // others would have agreed, and Commit given nothing
		}
		for _, x := range list {
			if x.Prepare(op) != (want == nil) {
				return fmt.Errorf("core %d: %s: another answer than core %d's, %v", x.self, Describe(op), l.self, want)
			}
			if want == nil {
				x.Commit(op, true)
			}
		}
		if want == nil {
			m.take(&o)
		}
		for _, x := range list {
			if err := m.compare(x); err != nil {
				return fmt.Errorf("%s: %w", Describe(op), err)
			}
		}
	}
	return nil
}

// random makes an operation that may be refused, and says how.
func random(l *Ledger, c *simulate.Choices, m *model) (agreement.Op, error) {
	o := &operation{to: c.N(5)}
	o.kind = kind(opEnter + kind(c.N(int(opEnd-opEnter))))
	if ids := slices.Sorted(maps.Keys(m.paths)); len(ids) > 0 && o.kind > opTake {
		o.entry = ids[c.N(len(ids))]
		if mine := l.Held(l.self); len(mine) > 0 && !c.One(8) {
			o.entry = mine[c.N(len(mine))].ID
		}
	} else if o.kind > opTake {
		o.kind = opTake
	}
	if !l.Entered(l.self) && !c.One(4) {
		o.kind, o.entry = opEnter, 0
	}
	o.rights, o.own = caps.All, caps.All
	if c.One(4) {
		o.rights = caps.Rights(c.N(int(caps.All) + 1))
	}
	types := []caps.Type{caps.RAM, caps.Frame, caps.PageTable}
	o.count = 1
	e := m.sizes[o.entry]
	part := e
	part.Base &^= page - 1 // an endpoint's is any number
	switch o.kind {
	case opTake:
		if o.extent = ram(uint64(c.N(26)), 1+uint64(c.N(8))); c.One(6) {
			o.extent = caps.Extent{Type: caps.Endpoint, Size: 1}
		}
		o.rights, o.own = 0, 0
	case opShare, opRetype:
		o.extent = caps.Extent{Type: types[c.N(3)], Base: part.Base + page*uint64(c.N(5)), Size: page}
		if o.kind == opRetype {
			o.own, o.count = 0, 1+uint64(c.N(3))
		}
	case opPart:
		o.extent = caps.Extent{Type: e.Type, Base: part.Base + page*uint64(c.N(3)), Size: page * uint64(1+c.N(4))}
		o.own = 0
		if e.Type != caps.RAM {
			o.extent.Type = caps.RAM
		}
	case opRecall, opYield:
		o.entry, o.rights, o.own = 0, 0, 0
	case opRevoke:
		if o.extent = e; c.One(3) {
			o.extent = caps.Extent{Type: caps.RAM, Base: part.Base + page*uint64(c.N(4)), Size: page}
		}
		o.rights, o.own = 0, 0
	case opSend:
		o.own = 0
	case opMove:
		o.own, o.owns = 0, l.entries[o.entry] != nil && l.entries[o.entry].owner() == l.self
	default:
		o.rights, o.own = 0, 0
	}
	op, err := l.wanted(o)
	return cmp.Or(op, o.op), err
}
