package guest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"barreleye/guest/monitor/buddy"
	"barreleye/guest/monitor/caps"
)

// RAMPool serves pieces of shared memory to this core. It takes large blocks, which all cores
// agree on, and cuts pieces from them, which costs no message; blocks that are free again it
// gives back, but for some. Any number of goroutines may use a pool.
type RAMPool struct {
	opt RAMPoolOptions

	mu     sync.Mutex
	pages  buddy.Allocator
	blocks map[uint64]Cap // by address
}

// RAMPoolOptions is how a pool does that.
type RAMPoolOptions struct {
	Block uint64 // bytes that are taken at once, a power of two, at least 4 KiB; 0 for 2 MiB
	Keep  uint64 // bytes in blocks of which nothing is in use that are kept; 0 for one block
}

// NewRAMPool returns a pool without memory.
func NewRAMPool(opt RAMPoolOptions) (*RAMPool, error) {
	opt.Block = cmp.Or(opt.Block, 2<<20)
	opt.Keep = cmp.Or(opt.Keep, opt.Block)
	if opt.Block < buddy.Page || opt.Block > buddy.MaxBlock || opt.Block&(opt.Block-1) != 0 {
		return nil, fmt.Errorf("pool of %d bytes a block: a power of two from %d to %d needed: %w", opt.Block, buddy.Page, buddy.MaxBlock, caps.ErrExtent)
	}
	return &RAMPool{opt: opt, blocks: map[uint64]Cap{}}, nil
}

// Alloc returns a capability to shared memory of a size that is a multiple of 4 KiB; it takes
// the next power of two in the pool. The memory holds what was in it before. ErrMemory
// where neither the pool nor the memory of all has room.
func (p *RAMPool) Alloc(ctx context.Context, size uint64) (Cap, error) {
	if size == 0 || size%buddy.Page != 0 || size > buddy.MaxBlock {
		return Cap{}, capped("allocate", fmt.Errorf("%d bytes: multiples of %d needed, %d at most: %w", size, buddy.Page, buddy.MaxBlock, caps.ErrExtent))
	}
	for {
		c, base, err := p.cut(ctx, size)
		switch {
		case err == nil:
			return c, nil
		case !errors.Is(err, buddy.ErrFull):
			p.mu.Lock()
			_, _, _ = p.pages.Free(base)
			p.mu.Unlock()
			return Cap{}, err
		}
		if err := p.grow(ctx, size); err != nil {
			return Cap{}, err
		}
	}
}

// cut takes a piece of a block that is there.
func (p *RAMPool) cut(ctx context.Context, size uint64) (c Cap, base uint64, err error) {
	p.mu.Lock()
	base, err = p.pages.Alloc(size)
	if err != nil {
		p.mu.Unlock()
		return c, 0, err
	}
	at, _ := p.pages.Block(base)
	block := p.blocks[at]
	p.mu.Unlock()
	list, err := block.Retype(ctx, caps.RAM, base-at, size, 1)
	if err != nil {
		return c, base, err
	}
	return list[0], base, nil
}

// grow takes one more block. Where none of the usual size is to be had, one that is
// just large enough may be.
func (p *RAMPool) grow(ctx context.Context, size uint64) error {
	least := uint64(buddy.Page)
	for least < size {
		least *= 2
	}
	c, err := Cap{}, error(nil)
	for n := max(p.opt.Block, least); ; n /= 2 {
		if c, err = AllocRAM(ctx, n); !errors.Is(err, ErrMemory) || n == least {
			break
		}
	}
	if err != nil {
		return err
	}
	info, err := c.Info()
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.pages.Add(info.Base, info.Size); err != nil {
		return err
	}
	p.blocks[info.Base] = c
	return nil
}

// Free takes a piece back, by a capability with all rights that Alloc returned: nobody, on any
// core, has a capability to it any more when it returns, and nothing of it is mapped by one.
// A piece that was moved away, or whose capability was deleted, stays in use until Close.
func (p *RAMPool) Free(ctx context.Context, c Cap) error {
	info, err := c.Info()
	if err != nil {
		return err
	}
	p.mu.Lock()
	size, err := p.pages.Size(info.Base)
	p.mu.Unlock()
	if err != nil || info.Type != caps.RAM || info.Size > size || 2*info.Size <= size && size > buddy.Page {
		return capped("free", fmt.Errorf("%v: %w", info.Extent, buddy.ErrUnknown))
	}
	if err := c.Revoke(ctx); err != nil {
		return err
	}
	if err := c.Delete(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	at, idle, err := p.pages.Free(info.Base)
	var block Cap
	if s := p.pages.Stats(); err == nil && idle && s.Idle > p.opt.Keep {
		block = p.blocks[at]
		delete(p.blocks, at)
		err = p.pages.Remove(at)
	}
	p.mu.Unlock()
	if err != nil || block == (Cap{}) {
		return capped("free", err)
	}
	return block.Delete(ctx)
}

// Stats says how much memory the pool has.
func (p *RAMPool) Stats() buddy.Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pages.Stats()
}

// Close gives all blocks back. Nobody has a capability to any of their pieces any more. The
// pool can be used on, without memory.
func (p *RAMPool) Close(ctx context.Context) error {
	p.mu.Lock()
	blocks := p.blocks
	p.blocks, p.pages = map[uint64]Cap{}, buddy.Allocator{}
	p.mu.Unlock()
	var first error
	for _, c := range blocks {
		err := c.Revoke(ctx)
		if err == nil {
			err = c.Delete(ctx)
		}
		first = cmp.Or(first, err)
	}
	return first
}
