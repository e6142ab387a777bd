package monitor

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
)

// Errors of capabilities, beside those of packages caps and ledger.
var (
	// ErrPrivate: only what lies in shared memory can be sent.
	ErrPrivate = errors.New("it is this core's own and cannot be sent: take shared memory for what others shall have")
	// ErrDivided: something was cut from it here.
	ErrDivided = errors.New("something was cut from it on this core: revoke or send that first")
)

// capabilities are those of this core's program. What only this core ever had is in its
// caps.Space alone. What it has of the ledger is there too, each entry as a root apart:
// the ledger, which all cores know alike, has what lies in what, and who holds it.
//
// Local objects are cut from an entry only while this core alone holds that. So whatever
// several cores may cut from, or revoke, the ledger knows.
//
// Guarded by the monitor's lock, as the replica is.
type capabilities struct {
	a    *agreed
	core int
	open func(from int, tag uint64) bool // whether the channel is open over which something was sent

	// unmap is told of each object of which this core has no capability any more, and which
	// core wanted it so, before any other core hears that it is so. giveBack gets private
	// memory that is free again.
	unmap    func(o caps.ObjectID, e caps.Extent, by int)
	giveBack func(caps.Extent)
	check    bool // everything, after every step

	space   *caps.Space
	entries map[caps.ObjectID]ledger.ID // of roots apart
	objects map[ledger.ID]caps.ObjectID

	makings  []*making                   // own operations under way that make entries
	lifting  map[ledger.ID]lift          // own objects that are about to be entries
	revoking []*revoking                 // own operations under way
	busy     []ledger.ID                 // entries that own operations give to others, or cut, or revoke
	letting  map[ledger.ID]chan struct{} // entries that this core is letting go of
	deleting ledger.ID                   // whose last capability the program is deleting
	arrived  []Arrival                   // what nobody has accepted yet
	gone     []gone                      // until settle
	sent     atomic.Uint64               // over channels
	cache    cache
	reclaims reclaiming
	changed  bool // what somebody may wait for, since agreed.tell was called last (agreed.announce)
	entered  atomic.Bool
}

// lift is an object that is about to be an entry.
type lift struct {
	pin caps.Ref      // one more capability to it: the program may delete its own meanwhile
	in  caps.ObjectID // root from which it was cut
	caps.Extent
}

// gone is what the space has let go of, because of what a core did.
type gone struct {
	caps.Left
	by int
}

// Arrival is a capability that another core has sent.
type Arrival struct {
	From int
	Tag  uint64 // of the sender: 0 for anybody who waits
	Ref  caps.Ref
}

func newCapabilities(a *agreed, cfg *Config, open func(from int, tag uint64) bool) *capabilities {
	space, _, err := caps.New()
	if err != nil {
		panic(err) // there is nothing in it that could be wrong
	}
	c := &capabilities{
		a: a, core: cfg.Core, open: open, unmap: cfg.Unmap, giveBack: cfg.GiveBack, check: cfg.CheckCaps, space: space,
		entries: map[caps.ObjectID]ledger.ID{}, objects: map[ledger.ID]caps.ObjectID{},
		lifting: map[ledger.ID]lift{}, letting: map[ledger.ID]chan struct{}{},
		reclaims: reclaiming{awaited: map[uint64]map[int]bool{}},
	}
	if c.unmap == nil {
		c.unmap = func(caps.ObjectID, caps.Extent, int) {}
	}
	if c.giveBack == nil {
		c.giveBack = func(caps.Extent) {}
	}
	return c
}

func (c *capabilities) ledger() *ledger.Ledger { return c.a.state.Ledger }

// follow brings this core's capabilities to what the ledger says, before anybody is told
// that it is so.
func (c *capabilities) follow() {
	changes := c.ledger().Changes()
	for i := range changes {
		ch := &changes[i]
		switch ch.Event {
		case ledger.Gained:
			c.gain(ch)
		case ledger.Lost:
			c.lose(ch)
		case ledger.Revoked:
			c.revoked(ch)
		case ledger.Entered:
			c.changed = true
		case ledger.Departed:
			c.changed = true
			c.departed(ch.Core)
		case ledger.Freed:
			c.changed = true
			if c.stir(ch.Extent); ch.Extent.Type == caps.Endpoint {
				c.unlisten(ch.Extent.Base)
			}
		case ledger.Recalled:
			c.recalled(ch)
		case ledger.Yielded:
			c.changed = true
			c.yielded(ch.Tag, ch.Core)
		}
	}
	c.settle()
}

// gain takes an entry in that this core holds now.
func (c *capabilities) gain(ch *ledger.Change) {
	if l, ok := c.lifting[ch.Entry]; ok {
		delete(c.lifting, ch.Entry)
		free, err := c.space.Lift(l.pin)
		if err != nil {
			c.let(ch.Entry) // what it was cut from was revoked meanwhile
			return
		}
		c.free(free, nil)
		c.stir(l.Extent) // what it was cut from may be free around it
		object, _ := c.space.Object(l.pin)
		c.bind(object, ch.Entry)
		return
	}
	if c.parted(ch) {
		return
	}
	var ref caps.Ref
	object, here := c.objects[ch.Entry]
	if here {
		ref, _ = c.space.Again(object, ch.Rights)
	} else {
		var err error
		if ref, err = c.space.InsertApart(ch.Extent, ch.Rights); err != nil {
			c.let(ch.Entry) // no core that keeps the protocol makes such an entry
			return
		}
		object, _ = c.space.Object(ref)
		c.bind(object, ch.Entry)
	}
	if ch.From == c.core {
		if of := c.maker(ch.Entry); of != nil {
			*of = ref
		} else {
			c.free(c.space.Delete(ref)) // nobody waits for it
		}
		return
	}
	if ch.Tag&tagChannel != 0 && !c.open(ch.From, ch.Tag) {
		c.free(c.space.Delete(ref)) // nobody can accept it any more
		return
	}
	c.arrived = append(c.arrived, Arrival{ch.From, ch.Tag, ref})
	c.changed = true
}

func (c *capabilities) bind(object caps.ObjectID, id ledger.ID) {
	c.entries[object], c.objects[id] = id, object
}

// lose drops all that this core has of an entry.
func (c *capabilities) lose(ch *ledger.Change) {
	object, here := c.objects[ch.Entry]
	if !here {
		return
	}
	if i, ok := c.cache.at(ch.Extent.Base); ok && c.cache.blocks[i].object == object {
		c.cache.remove(c.cache.blocks[i])
	}
	delete(c.objects, ch.Entry)
	delete(c.entries, object)
	c.blame(c.core)
	c.free(c.space.Remove(object), nil)
	c.blame(ch.From)
	c.arrived = slices.DeleteFunc(c.arrived, func(a Arrival) bool { return !c.space.Has(a.Ref) })
}

// departed drops what a core had sent that nobody here has accepted: who dies before the
// receiver heard of it leaves nothing.
func (c *capabilities) departed(core int) {
	c.refuse(func(a *Arrival) bool { return a.From == core })
	for tag := range c.reclaims.awaited {
		c.yielded(tag, core)
	}
}

// free gives back private memory.
func (c *capabilities) free(list []caps.Extent, err error) {
	if err != nil {
		return // nothing has changed
	}
	for _, e := range list {
		c.giveBack(e)
	}
}

// settle does what the space's changes ask for: it has objects unmapped that nobody here
// may use any more, and lets go of entries of which nothing is left here.
func (c *capabilities) settle() {
	c.blame(c.core)
	for i := 0; i < len(c.gone); i++ {
		left := c.gone[i]
		c.leave(&left)
		c.blame(c.core)
	}
	c.gone = c.gone[:0]
	if c.check {
		if err := c.verify(); err != nil {
			panic(fmt.Sprintf("monitor: core %d: capabilities: %v", c.core, err))
		}
	}
}

// blame puts what the space has let go of since down to a core.
func (c *capabilities) blame(by int) {
	for _, left := range c.space.Left() {
		c.gone = append(c.gone, gone{left, by})
	}
}

func (c *capabilities) leave(left *gone) {
	if !left.Root {
		c.unmap(left.Object, left.Extent, left.by)
		c.stir(left.Extent)
		return
	}
	if id, ok := c.entries[left.Object]; ok {
		delete(c.entries, left.Object)
		delete(c.objects, id)
		c.let(id)
	}
}

// idle says that an own operation on an entry has ended; 0 for none.
func (c *capabilities) idle(id ledger.ID) {
	c.busy = without(c.busy, id)
}

// unpin removes a capability that an operation under way has kept.
func (c *capabilities) unpin(pin caps.Ref) {
	if c.space.Has(pin) { // it may be gone
		c.free(c.space.Delete(pin))
		c.settle()
	}
}

// verify looks at everything that must hold between this core's space and the ledger.
func (c *capabilities) verify() error {
	if err := c.space.Check(); err != nil {
		return err
	}
	l := c.ledger()
	if err := l.Check(); err != nil {
		return err
	}
	list := c.space.Objects()
	root := map[caps.ObjectID]caps.ObjectID{}
	for i := range list {
		o := &list[i]
		if o.Parent != 0 {
			root[o.ID] = root[o.Parent]
		} else {
			root[o.ID] = o.ID
		}
		id, shared := c.entries[root[o.ID]]
		if !shared {
			continue
		}
		e, ok := l.Entry(id)
		rights, held := l.Rights(id, c.core)
		switch {
		case c.objects[id] != root[o.ID]:
			return fmt.Errorf("%v is entry %v, which is another object", o.Extent, id)
		case !ok || !held:
			return fmt.Errorf("%v is entry %v, which this core does not hold", o.Extent, id)
		case o.Parent == 0 && e.Extent != o.Extent:
			return fmt.Errorf("%v is entry %v, which is %v", o.Extent, id, e.Extent)
		}
		for _, r := range o.Copies {
			if r&^rights != 0 {
				return fmt.Errorf("%v has rights %v, entry %v has %v", o.Extent, r, id, rights)
			}
		}
		if o.Parent == 0 {
			continue
		}
		if len(e.Holders) != 1 {
			return fmt.Errorf("%v was cut here from entry %v, which cores %v hold", o.Extent, id, e.Holders)
		}
		for _, child := range l.Children(id) {
			if child.Extent.Overlaps(o.Extent) && !child.Extent.Within(o.Extent) {
				return fmt.Errorf("%v was cut here from entry %v, of which %v is another's", o.Extent, id, child.Extent)
			}
		}
	}
	for _, e := range l.Held(c.core) {
		if _, here := c.objects[e.ID]; !here && c.letting[e.ID] == nil {
			return fmt.Errorf("entry %v, %v, is held and nowhere here", e.ID, e.Extent)
		}
	}
	return c.verifyCache()
}
