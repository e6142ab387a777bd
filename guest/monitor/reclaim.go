package monitor

import (
	"context"
	"math/rand/v2"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
)

// A core that finds no memory asks all cores, itself too, to give back what they have taken
// and nobody uses, once, and looks again when all that live have. Of a block that is partly in
// use the parts that are become blocks of their own, whatever was cut from them, and the
// rest goes.

// reclaiming is this core's part in that. Guarded by agreed.mu.
type reclaiming struct {
	awaited map[uint64]map[int]bool // who has not answered yet, by the tag of what this core asked
	asked   []ledger.Change         // what nobody answers yet
	busy    bool                    // somebody does
	parting map[ledger.ID]parting   // by the entry that is being made
}

// parting is a part of a block that is about to be one.
type parting struct {
	of   caps.Ref
	from ledger.ID
}

// reclaim returns when all cores have given back what they did not use.
func (c *capabilities) reclaim(ctx context.Context) error {
	tag := rand.Uint64()
	forget := func(agreement.Op) { delete(c.reclaims.awaited, tag) }
	_, err := c.commit(ctx, wanted{
		make:      func() (agreement.Op, error) { return c.ledger().Recall(tag) },
		abandoned: forget,
	})
	if err != nil {
		return err
	}
	err = c.a.wait(ctx, func() bool { return len(c.reclaims.awaited[tag]) == 0 })
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	forget("")
	return err
}

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
				_, _ = c.begin(context.Background(), wanted{make: func() (agreement.Op, error) { return c.ledger().Yield(ch.Core, ch.Tag) }})
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
	var made, from ledger.ID
	_, _ = c.begin(context.Background(), wanted{
		make: func() (agreement.Op, error) {
			from = c.entries[b.object]
			if !c.alone(&target{entry: from}) {
				return "", ledger.ErrBusy
			}
			for _, l := range c.lifting {
				if l.in == b.object {
					return "", ledger.ErrBusy
				}
			}
			op, err := c.ledger().Part(from, run, caps.All)
			if err == nil {
				made, _ = ledger.Made(op)
				c.reclaims.parting[made] = parting{b.ref, from}
				c.busy[from]++
			}
			return op, err
		},
		ended: func(agreement.Op, bool) {
			delete(c.reclaims.parting, made)
			c.idle(from)
		},
	})
}

// parted takes it that a part of a block is one now, which is in no other's way: ok is false
// where it was not asked for.
func (c *capabilities) parted(ch *ledger.Change) (ok bool) {
	p, ok := c.reclaims.parting[ch.Entry]
	if !ok {
		return false
	}
	r, err := c.space.Part(p.of, ch.Extent)
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
	for _, p := range c.reclaims.parting {
		if p.from == id {
			return true
		}
	}
	return false
}
