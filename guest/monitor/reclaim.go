package monitor

import (
	"context"
	"math/rand/v2"
	"slices"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
)

// A core that finds no memory asks all cores, itself too, to give back what they have taken
// and nobody uses, once, and looks again when all that live have. Of a block that is partly in
// use the parts that are become blocks of their own, whatever was cut from them, and the
// rest goes.

// reclaiming is this core's part in that. Guarded by the monitor's lock.
type reclaiming struct {
	awaited map[uint64]map[int]bool // who has not answered yet, by the tag of what this core asked
	asked   []ledger.Change         // what nobody answers yet
	busy    bool                    // somebody does
	parting []*parting
}

// parting makes a part of a block one.
type parting struct {
	c          *capabilities
	block      *block
	run        caps.Extent
	made, from ledger.ID
}

// reclaim returns when all cores have given back what they did not use.
func (c *capabilities) reclaim(ctx context.Context) error {
	w := &recalling{c, rand.Uint64()}
	if err := c.commit(ctx, w); err != nil {
		return err
	}
	err := c.a.wait(ctx, func() bool { return len(c.reclaims.awaited[w.tag]) == 0 })
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	w.abandoned()
	return err
}

// recalling asks, under a tag.
type recalling struct {
	c   *capabilities
	tag uint64
}

func (w *recalling) make() (agreement.Op, error) { return w.c.ledger().Recall(w.tag) }
func (w *recalling) ended(bool)                  {}
func (w *recalling) abandoned()                  { delete(w.c.reclaims.awaited, w.tag) }

// recalled takes it that a core asks.
func (c *capabilities) recalled(ch *ledger.Change) {
	r := &c.reclaims
	if ch.Core == c.core {
		r.awaited[ch.Tag] = map[int]bool{}
		for core := range c.a.peers {
			if c.ledger().Entered(core) {
				r.awaited[ch.Tag][core] = true
			}
		}
	}
	if !c.ledger().Entered(c.core) {
		return // who asked knows: it would hear of this core's entering after this core itself
	}
	r.asked = append(r.asked, *ch)
	if !r.busy {
		r.busy = true
		go c.yield()
	}
}

// yielded takes it that a core has given back what it did not use.
func (c *capabilities) yielded(tag uint64, core int) { delete(c.reclaims.awaited[tag], core) }

// yield gives back what this core does not use, until nobody asks any more.
func (c *capabilities) yield() {
	r := &c.reclaims
	for {
		c.a.mu.Lock()
		asked := r.asked
		r.asked, r.busy = nil, len(asked) > 0
		c.a.mu.Unlock()
		if len(asked) == 0 {
			return
		}
		c.drain()
		for _, ch := range asked {
			if ch.Core != c.core {
				_ = c.begin(context.Background(), plain(func() (agreement.Op, error) { return c.ledger().Yield(ch.Core, ch.Tag) }))
				continue
			}
			c.a.mu.Lock()
			c.yielded(ch.Tag, c.core)
			c.a.tell()
			c.a.mu.Unlock()
		}
	}
}

// drain gives back all of the cache that is not in use.
func (c *capabilities) drain() {
	c.a.mu.Lock()
	blocks := c.cache.blocks
	c.cache = cache{}
	c.a.mu.Unlock()
	for _, b := range blocks {
		c.shrink(b)
	}
}

// shrink gives back what of a block, which is in the cache no more, is not in use, and puts the
// rest into it.
func (c *capabilities) shrink(b *block) {
	c.a.mu.Lock()
	runs := c.runs(b)
	if len(runs) == 1 && runs[0] == b.Extent {
		c.again(b.ref)
		c.settle()
		c.a.mu.Unlock()
		return
	}
	c.a.mu.Unlock()
	for _, run := range runs {
		c.part(b, run)
	}
	c.a.mu.Lock()
	id := c.entries[b.object]
	c.free(c.space.Delete(b.ref))
	c.settle()
	done := c.letting[id]
	c.a.mu.Unlock()
	if done != nil {
		<-done
	}
}

// again puts a block into the cache, of which something was in use a moment ago.
func (c *capabilities) again(r caps.Ref) {
	if b, err := c.keep(r); err == nil {
		c.stir(b.Extent)
	}
}

// part has a part of a block become one.
func (c *capabilities) part(b *block, run caps.Extent) {
	_ = c.begin(context.Background(), &parting{c: c, block: b, run: run})
}

func (w *parting) make() (agreement.Op, error) {
	c := w.c
	w.from = c.entries[w.block.object]
	if !c.alone(w.from) {
		return "", ledger.ErrBusy
	}
	for _, l := range c.lifting {
		if l.in == w.block.object {
			return "", ledger.ErrBusy
		}
	}
	op, err := c.ledger().Part(w.from, w.run, caps.All)
	if err == nil {
		w.made, _ = c.ledger().Made(op)
		c.reclaims.parting = append(c.reclaims.parting, w)
		c.busy = append(c.busy, w.from)
	}
	return op, err
}

func (w *parting) ended(bool) {
	w.c.reclaims.parting = without(w.c.reclaims.parting, w)
	w.c.idle(w.from)
}

func (*parting) abandoned() {} // somebody waits for it always

// parted takes it that a part of a block is one now, which is in no other's way: ok is false
// where it was not asked for.
func (c *capabilities) parted(ch *ledger.Change) (ok bool) {
	i := slices.IndexFunc(c.reclaims.parting, func(w *parting) bool { return w.made == ch.Entry })
	if i < 0 {
		return false
	}
	r, err := c.space.Part(c.reclaims.parting[i].block.ref, ch.Extent)
	if err != nil {
		c.let(ch.Entry)
		return true
	}
	object, _ := c.space.Object(r)
	c.bind(object, ch.Entry)
	c.again(r)
	return true
}

// parts reports whether a part of an entry is about to be a block: what is done with what was
// cut from it waits, since that will lie in another one.
func (c *capabilities) parts(id ledger.ID) bool {
	for _, w := range c.reclaims.parting {
		if w.from == id {
			return true
		}
	}
	return false
}
