package ledger

import (
	"errors"
	"fmt"
	"slices"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/caps"
)

// desk is what a simulated core holds itself: its Space follows its ledger, as a monitor's
// does, and it cuts what it alone holds without asking anybody.
type desk struct {
	t      *trial
	core   int
	life   int
	ledger *Ledger
	space  *caps.Space
	refs   []caps.Ref
	object map[ID]caps.ObjectID // of what the ledger says it holds
	entry  map[caps.ObjectID]ID
	drops  []ID // to be let go of

	sharing  map[ID]caps.Ref         // by the entry that a Share under way makes
	parting  map[ID]caps.Ref         // what the entry that a Part under way makes is part of
	asked    []Change                // by which cores, and nothing was said to them yet
	awaited  map[uint64]map[int]bool // who has to answer, by tag
	revoking []pin
	born     map[caps.ObjectID]int
}

// pin keeps what is being revoked: its owner may delete it meanwhile.
type pin struct {
	op        agreement.Op
	entry     ID
	extent    caps.Extent
	ref, copy caps.Ref
}

// step is one step from the area to a capability: an entry, or what a core has cut itself.
type step struct {
	entry      ID
	core, life int
	object     caps.ObjectID
}

func newDesk(t *trial, core, life int) *desk {
	d := &desk{t: t, core: core, life: life, ledger: New(core, t.model.area),
		object: map[ID]caps.ObjectID{}, entry: map[caps.ObjectID]ID{}, sharing: map[ID]caps.Ref{}, parting: map[ID]caps.Ref{}, awaited: map[uint64]map[int]bool{}, born: map[caps.ObjectID]int{}}
	d.space, _, _ = caps.New()
	return d
}

// must fails the run where the space refuses what the ledger says.
func (d *desk) must(err error) {
	if err != nil {
		d.t.world.Fail("core %d: %v", d.core, err)
	}
}

// sync has the space follow the ledger.
func (d *desk) sync() {
	changes := d.ledger.Changes()
	if len(changes) > 0 {
		d.must(d.ledger.Check())
	}
	for _, c := range changes {
		d.t.now++
		switch c.Event {
		case Gained:
			d.gain(&c)
		case Lost:
			if id, ok := d.object[c.Entry]; ok && d.t.mutation != lossUnseen {
				d.space.Remove(id)
				delete(d.object, c.Entry)
				delete(d.entry, id)
			}
		case Recalled:
			d.recalled(&c)
		case Yielded:
			delete(d.awaited[c.Tag], c.Core)
		case Departed:
			for _, list := range d.awaited {
				delete(list, c.Core)
			}
		case Revoked:
			i := slices.IndexFunc(d.revoking, func(p pin) bool { return p.entry == c.Entry && p.extent == c.Extent })
			p := d.revoking[i]
			if _, err := d.space.Get(p.ref); err != nil {
				p.ref = p.copy
			}
			// An earlier revocation of the same may have removed both; then this one has nothing to remove.
			if _, err := d.space.Revoke(p.ref); !errors.Is(err, caps.ErrGone) {
				d.must(err)
			}
			d.t.revoked[p.op] = d.t.now
		}
	}
	d.left()
}

// recalled notes who has to answer.
func (d *desk) recalled(c *Change) {
	if c.Core == d.core {
		d.awaited[c.Tag] = map[int]bool{}
		for i := range d.t.cores {
			if i != d.core && d.ledger.Entered(i) {
				d.awaited[c.Tag][i] = true
			}
		}
	} else if d.ledger.Entered(d.core) {
		d.asked = append(d.asked, *c)
	}
}

// left notes what is to be dropped because its last capability here went.
func (d *desk) left() {
	for _, x := range d.space.Left() {
		if id, ok := d.entry[x.Object]; ok && x.Root {
			delete(d.entry, x.Object)
			delete(d.object, id)
			d.drops = append(d.drops, id)
		}
	}
	d.refs = slices.DeleteFunc(d.refs, func(r caps.Ref) bool { _, err := d.space.Get(r); return err != nil })
}

func (d *desk) gain(c *Change) {
	var r caps.Ref
	var err error
	if shared, mine := d.sharing[c.Entry]; mine && c.From == d.core {
		_, err = d.space.Lift(shared)
		d.must(err)
		r = shared
	} else if p, mine := d.parting[c.Entry]; mine && d.has(p) {
		r, err = d.space.Part(p, c.Extent)
		d.must(err)
		d.refs = append(d.refs, r)
	} else {
		if id, ok := d.object[c.Entry]; ok {
			r, err = d.space.Again(id, c.Rights)
		} else {
			r, err = d.space.InsertApart(c.Extent, c.Rights)
		}
		d.must(err)
		d.refs = append(d.refs, r)
	}
	id, _ := d.space.Object(r)
	d.object[c.Entry], d.entry[id] = id, c.Entry
	d.is(r)
}

// is says that r is new: it must not overlap what anybody else may use.
func (d *desk) is(r caps.Ref) {
	id, _ := d.space.Object(r)
	if d.born[id] == 0 {
		d.born[id] = d.t.now
	}
	c, err := d.space.Get(r)
	d.must(err)
	path := d.path(id)
	for i := range d.t.cores {
		o := d.t.cores[i].desk
		if !d.t.world.Alive(i) {
			continue
		}
		for _, x := range o.space.Objects() {
			if len(x.Copies) == 0 || !x.Extent.Overlaps(c.Extent) {
				continue
			}
			if p := o.path(x.ID); !prefix(p, path) && !prefix(path, p) {
				d.t.world.Fail("core %d has %v %v, core %d has %v %v", d.core, c.Extent, path, i, x.Extent, p)
			}
		}
	}
}

func (d *desk) has(r caps.Ref) bool {
	_, err := d.space.Get(r)
	return err == nil
}

func prefix(p, q []step) bool { return len(p) <= len(q) && slices.Equal(p, q[:len(p)]) }

// path is where an object comes from.
func (d *desk) path(id caps.ObjectID) []step {
	var local []step
	objects := d.space.Objects()
	for {
		if e, ok := d.entry[id]; ok {
			slices.Reverse(local)
			return append(slices.Clone(d.t.paths[e]), local...)
		}
		local = append(local, step{core: d.core, life: d.life, object: id})
		i := slices.IndexFunc(objects, func(o caps.Object) bool { return o.ID == id })
		if i < 0 || objects[i].Parent == 0 {
			d.t.world.Fail("core %d: object %d comes from nowhere", d.core, id)
			return local
		}
		id = objects[i].Parent
	}
}

// act does something at random: here, or it returns an operation that it takes.
func (d *desk) act() (op agreement.Op, err error) {
	c := d.t.world.Choices
	if len(d.refs) == 0 || c.One(10) {
		if c.One(6) {
			return d.ledger.Offer()
		}
		e, err := d.ledger.Find(page<<(1+c.N(3)), page<<c.N(2), c.N(2))
		if err != nil {
			return "", err
		}
		return d.ledger.Take(e)
	}
	if len(d.t.cores) <= 8 && c.One(30) { // as many answers as cores, each of them to all
		return d.ledger.Recall(d.t.next + 1)
	}
	r := d.refs[c.N(len(d.refs))]
	place, _ := d.space.Place(r)
	object, root, is := place.Object, place.Root, place.Cap
	e := d.entry[root]
	to, rights := d.t.someone(d.core), is.Rights
	if c.One(5) {
		rights &= caps.Rights(c.N(int(caps.All) + 1))
	}
	what := c.N(13)
	if d.t.hands {
		what = 5 + what%2
	}
	switch what {
	case 0, 1, 2:
		return d.cut(r, is, e, object == root)
	case 3, 4, 5:
		switch {
		case is.Rights&caps.Grant == 0:
			return "", caps.ErrRights
		case to < 0 || d.space.Divided(object):
			return "", ErrShared
		case object == root:
			return d.ledger.Send(e, to, rights, d.t.next+1)
		case is.Rights&caps.Derive == 0 || !d.ledger.Alone(e):
			return "", ErrBusy
		}
		op, err = d.ledger.Share(e, is.Extent, is.Rights, to, rights, d.t.next+1)
		if err == nil {
			o, _ := decode(op)
			p, err := d.space.Copy(r)
			d.must(err)
			d.sharing[o.first] = p
			path := d.path(object)
			path[len(path)-1] = step{entry: o.first}
			d.t.paths[o.first] = path
		}
		return op, err
	case 6:
		if to < 0 || object != root || d.space.Divided(object) || is.Rights&caps.Grant == 0 {
			return "", ErrShared
		}
		return d.ledger.Move(e, to, rights, d.t.next+1)
	case 7, 8, 9:
		return d.revoke(r, is, e)
	case 10:
		_, err := d.space.Delete(r)
		d.must(err)
		d.left()
		return "", nil
	}
	if what == 12 {
		return d.part(r, is, e, object == root)
	}
	if c.N(2) == 0 {
		if object != root || d.space.Divided(object) {
			return "", ErrShared
		}
		return d.ledger.Give(e)
	}
	m, err := d.space.Mint(r, rights)
	d.must(err)
	d.refs = append(d.refs, m)
	return "", nil
}

// part makes an entry of part of what r names, so that the rest may be let go of.
func (d *desk) part(r caps.Ref, is caps.Cap, e ID, root bool) (agreement.Op, error) {
	c := d.t.world.Choices
	x := caps.Extent{Type: caps.RAM, Base: is.Base + page*uint64(c.N(3)), Size: page * uint64(1+c.N(3))}
	for _, k := range d.space.Children(d.object[e]) {
		if k.Overlaps(x) && !k.Within(x) {
			return "", ErrBusy
		}
	}
	if !root || is.Rights != caps.All || !d.ledger.Alone(e) {
		return "", ErrBusy
	}
	op, err := d.ledger.Part(e, x, caps.All)
	if err == nil {
		o, _ := decode(op)
		p, err := d.space.Copy(r)
		d.must(err)
		d.parting[o.first] = p
	}
	return op, err
}

// cut retypes what r names.
func (d *desk) cut(r caps.Ref, is caps.Cap, e ID, root bool) (agreement.Op, error) {
	c := d.t.world.Choices
	list := []caps.Type{caps.Frame, caps.Frame, caps.RAM, caps.PageTable, caps.CNode}
	to, offset, count := list[c.N(len(list))], page*uint64(c.N(4)), 1+c.N(2)
	if !d.ledger.Alone(e) && d.t.mutation != cutShared {
		if !root || !d.ledger.Shared(e) {
			return "", ErrBusy
		}
		if is.Rights&caps.Derive == 0 {
			return "", caps.ErrRights
		}
		return d.ledger.Retype(e, to, offset, page, count, is.Rights)
	}
	x := caps.Extent{Base: is.Base + offset, Size: page * uint64(count)}
	if slices.ContainsFunc(d.ledger.Children(e), func(k Entry) bool { return k.Extent.Overlaps(x) }) && d.t.mutation != cutChildren {
		return "", caps.ErrOverlap
	}
	made, err := d.space.Retype(r, to, offset, page, count)
	d.t.now++
	for _, m := range made {
		d.refs = append(d.refs, m)
		d.is(m)
	}
	return "", err
}

// revoke takes back what was derived from r.
func (d *desk) revoke(r caps.Ref, is caps.Cap, e ID) (agreement.Op, error) {
	if is.Rights&caps.Derive == 0 {
		return "", caps.ErrRights
	}
	elsewhere := slices.ContainsFunc(d.ledger.Children(e), func(k Entry) bool { return k.Extent.Overlaps(is.Extent) })
	if !elsewhere && d.ledger.Alone(e) {
		_, err := d.space.Revoke(r)
		d.must(err)
		d.left()
		return "", nil
	}
	op, err := d.ledger.Revoke(e, is.Extent)
	if err == nil {
		p, err := d.space.Copy(r)
		d.must(err)
		d.revoking = append(d.revoking, pin{op, e, is.Extent, r, p})
	}
	return op, err
}

// ended takes the result of an operation.
func (d *desk) ended(op agreement.Op, outcome agreement.Outcome) {
	d.ledger.Ended(op)
	o, _ := decode(op)
	if p, ok := d.sharing[o.first]; ok {
		d.space.Delete(p) // gone already where somebody else has revoked all
		delete(d.sharing, o.first)
		d.left()
	}
	if p, ok := d.parting[o.first]; ok {
		d.space.Delete(p)
		delete(d.parting, o.first)
		d.left()
	}
	if i := slices.IndexFunc(d.revoking, func(p pin) bool { return p.op == op }); i >= 0 {
		d.space.Delete(d.revoking[i].copy) // gone where the revocation took effect, unless it is the last one
		d.revoking = slices.Delete(d.revoking, i, i+1)
		d.left()
	}
	switch {
	case o.kind == opYield && outcome != agreement.Committed:
		d.asked = append(d.asked, Change{Core: o.to, Tag: o.tag})
	case o.kind == opDrop && outcome != agreement.Committed:
		d.drops = append(d.drops, o.entry)
	case o.kind == opRevoke && outcome == agreement.Committed:
		d.t.noneLeft(&o, d.core)
	}
}

// drop begins to let go of something.
func (d *desk) drop() (op agreement.Op, err error) {
	id := d.drops[0]
	d.drops = d.drops[1:]
	_, back := d.object[id]
	if _, held := d.ledger.Rights(id, d.core); back || !held {
		return "", nil
	}
	if op, err = d.ledger.Drop(id); err != nil {
		d.drops = append(d.drops, id)
	}
	return op, err
}

// check compares the space with the ledger once nothing is under way.
func (d *desk) check() error {
	held := d.ledger.Held(d.core)
	for _, e := range held {
		if _, ok := d.object[e.ID]; !ok {
			return fmt.Errorf("core %d holds %v %v and has no capability", d.core, e.ID, e.Extent)
		}
	}
	if len(held) != len(d.object) || len(d.revoking) > 0 || len(d.sharing) > 0 {
		return fmt.Errorf("core %d holds %v, has %v, revokes %v, shares %v", d.core, held, d.object, d.revoking, d.sharing)
	}
	for tag, list := range d.awaited {
		if len(list) > 0 {
			return fmt.Errorf("core %d waits for answers of %v to %d", d.core, list, tag)
		}
	}
	return d.space.Check()
}
