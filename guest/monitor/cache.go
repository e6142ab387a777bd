package monitor

import (
	"cmp"
	"fmt"
	"slices"

	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
)

// blockSize is how much shared memory a core takes at once, so that a small piece costs no
// agreement. A piece is small where pieces of its size fit a block so many times.
const (
	blockSize  = 64 * caps.PageSize
	fewestFits = 4
)

// cache is shared memory of which this core cuts small pieces. All of it was taken by agreement,
// and the ledger knows of the blocks alone, until somebody else gets to know of a piece. What of
// a block nobody here has is free; of blocks that are free as a whole one is kept, the others
// are given back. Cores that find no memory have all give back what is free (reclaim.go).
//
// There is no book of what is free: the space knows what was cut from a block here, the ledger
// what others know of.
//
// Guarded by the monitor's lock.
type cache struct {
	blocks []*block // by address
	first  int      // no block before it has room
	idle   *block   // the one of which nothing is in use; nil: all are
}

// block is one that only the cache has a capability to.
type block struct {
	caps.Extent
	ref    caps.Ref
	object caps.ObjectID
	most   uint64 // no larger piece can be cut from it
}

// at returns the place of the block that an address lies in, or would.
func (h *cache) at(addr uint64) (i int, ok bool) {
	return slices.BinarySearchFunc(h.blocks, addr, func(b *block, addr uint64) int {
		switch {
		case b.Base+b.Size <= addr:
			return -1
		case b.Base > addr:
			return 1
		}
		return 0
	})
}

// remove takes a block out, which nothing is cut from any more.
func (h *cache) remove(b *block) {
	i, ok := h.at(b.Base)
	if !ok || h.blocks[i] != b {
		return
	}
	h.blocks = slices.Delete(h.blocks, i, i+1)
	if h.idle == b {
		h.idle = nil
	}
	h.first = min(h.first, i)
}

// cutOr cuts a piece, or returns how much is to be taken by agreement: a block, or no more than
// the piece, where that is not small. Where little is free blocks are small too, or others would
// soon have to ask for it.
func (c *capabilities) cutOr(size uint64) (r caps.Ref, whole uint64) {
	if size > blockSize/fewestFits {
		return 0, size
	}
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	if r, ok := c.cut(size); ok {
		return r, 0
	}
	free := uint64(0)
	for _, e := range c.ledger().Free() {
		free += e.Size
	}
	for whole = blockSize; whole > free/uint64(fewestFits*len(c.a.peers)); {
		whole /= 2
	}
	if size > whole/fewestFits {
		whole = size
	}
	return 0, whole
}

// cutFirst adds a block and cuts its first piece.
func (c *capabilities) cutFirst(block caps.Ref, size uint64) (caps.Ref, error) {
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	b, err := c.keep(block)
	if err != nil {
		return 0, err
	}
	r, ok := c.cutFrom(b, size)
	if !ok {
		return 0, ledger.ErrBusy // of a block that nobody else knows of yet: it cannot be
	}
	return r, nil
}

// keep adds a block.
func (c *capabilities) keep(r caps.Ref) (*block, error) {
	got, err := c.space.Get(r)
	if err != nil {
		return nil, err
	}
	object, _ := c.space.Object(r)
	b := &block{Extent: got.Extent, ref: r, object: object, most: got.Size}
	h := &c.cache
	i, _ := h.at(b.Base)
	h.blocks = slices.Insert(h.blocks, i, b)
	h.first = min(h.first, i)
	return b, nil
}

// cut cuts a piece of the first block that has room.
func (c *capabilities) cut(size uint64) (caps.Ref, bool) {
	h := &c.cache
	for i := h.first; i < len(h.blocks); i++ {
		b := h.blocks[i]
		if r, ok := c.cutFrom(b, size); ok {
			return r, true
		}
		if b.most == 0 && i == h.first {
			h.first++
		}
	}
	return 0, false
}

func (c *capabilities) cutFrom(b *block, size uint64) (caps.Ref, bool) {
	if b.most < size || !c.alone(c.entries[b.object]) {
		return 0, false
	}
	at, ok := c.gap(b, size)
	if !ok {
		b.most = size - caps.PageSize
		return 0, false
	}
	refs, err := c.space.Retype(b.ref, caps.RAM, at-b.Base, size, 1)
	if err != nil {
		return 0, false
	}
	if c.cache.idle == b {
		c.cache.idle = nil
	}
	c.settle()
	return refs[0], true
}

// gap returns where a block has room.
func (c *capabilities) gap(b *block, size uint64) (at uint64, ok bool) {
	at, ok = c.space.Gap(b.object, b.Base, size)
	for ok {
		used, some := c.ledger().Used(c.entries[b.object], caps.Extent{Base: at, Size: size})
		if !some {
			return at, true
		}
		at, ok = c.space.Gap(b.object, used.Base+used.Size, size)
	}
	return 0, false
}

// stir says that part of an extent, which may lie in a block, may be free now.
func (c *capabilities) stir(e caps.Extent) {
	h := &c.cache
	i, ok := h.at(e.Base)
	if !ok {
		return
	}
	b := h.blocks[i]
	b.most = b.Size
	h.first = min(h.first, i)
	switch {
	case b == h.idle || c.usesOf(b):
	case h.idle == nil:
		h.idle = b
	default:
		c.giveUp(b)
	}
}

// usesOf reports whether anything of a block is in use.
func (c *capabilities) usesOf(b *block) bool {
	_, used := c.ledger().Used(c.entries[b.object], b.Extent)
	return used || c.space.Divided(b.object)
}

// giveUp lets go of a block: it is free for all once nothing of it is in use.
func (c *capabilities) giveUp(b *block) {
	c.cache.remove(b)
	c.free(c.space.Delete(b.ref))
}

// runs returns what of a block is in use, in as few pieces as can be.
func (c *capabilities) runs(b *block) (list []caps.Extent) {
	used := c.space.Children(b.object)
	for _, e := range c.ledger().Children(c.entries[b.object]) {
		used = append(used, e.Extent)
	}
	slices.SortFunc(used, func(a, b caps.Extent) int { return cmp.Compare(a.Base, b.Base) })
	for _, e := range used {
		if n := len(list); n > 0 && list[n-1].Base+list[n-1].Size >= e.Base {
			last := &list[n-1]
			last.Size = max(last.Size, e.Base+e.Size-last.Base) // others know of part of what is in use here
			continue
		}
		list = append(list, caps.Extent{Type: caps.RAM, Base: e.Base, Size: e.Size})
	}
	return list
}

// verifyCache looks at everything that must hold of the cache.
func (c *capabilities) verifyCache() error {
	h := &c.cache
	for i, b := range h.blocks {
		got, err := c.space.Get(b.ref)
		object, _ := c.space.Object(b.ref)
		switch {
		case err != nil || got.Extent != b.Extent || object != b.object || got.Rights != caps.All:
			return fmt.Errorf("block %v is %v: %w", b.Extent, got, err)
		case c.entries[object] == 0 || c.ledger().Shared(c.entries[object]):
			return fmt.Errorf("block %v is not this core's alone", b.Extent)
		case i > 0 && h.blocks[i-1].Base+h.blocks[i-1].Size > b.Base:
			return fmt.Errorf("block %v and block %v overlap", h.blocks[i-1].Extent, b.Extent)
		case b == h.idle != !c.usesOf(b):
			return fmt.Errorf("block %v is idle: %v, or it is kept in vain", b.Extent, b == h.idle)
		}
		if at, room := c.gap(b, b.most+caps.PageSize); room || i < h.first && b.most > 0 {
			return fmt.Errorf("block %v has room for more than %#x bytes at %#x", b.Extent, b.most, at)
		}
	}
	return nil
}
