package monitor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
)

// TakeRAM returns a capability to a piece of the shared memory that nobody else has, of a
// size that is a multiple of a page. Its contents are whatever was there before. It fails
// with caps.ErrExtent, ledger.ErrMemory where no core has as much that nobody uses, and the
// context's errors. Small pieces come from this core's cache.
func (m *Monitor) TakeRAM(ctx context.Context, size uint64) (caps.Ref, error) {
	c := m.caps
	if size == 0 || size%caps.PageSize != 0 {
		return 0, fmt.Errorf("%d bytes: multiples of %d needed: %w", size, caps.PageSize, caps.ErrExtent)
	}
	r, err := c.allot(ctx, size)
	if errors.Is(err, ledger.ErrMemory) {
		if err := c.reclaim(ctx); err != nil {
			return 0, err
		}
		r, err = c.allot(ctx, size)
	}
	return r, err
}

// allot returns a piece of the cache, or one that all agree on.
func (c *capabilities) allot(ctx context.Context, size uint64) (caps.Ref, error) {
	r, whole := c.cutOr(size)
	if whole == 0 {
		return r, nil
	}
	block, err := c.claim(ctx, whole)
	if errors.Is(err, ledger.ErrMemory) && whole > size {
		block, err = c.claim(ctx, size)
		whole = size
	}
	if err != nil || whole == size {
		return block, err
	}
	return c.cutFirst(block, size)
}

// claim has all agree that this core takes a piece.
func (c *capabilities) claim(ctx context.Context, size uint64) (caps.Ref, error) {
	align := uint64(caps.PageSize)
	if size >= hugeSize {
		align = hugeSize
	}
	most := 0 // of the first pieces that others may be after too
	w := &taking{making: making{c: c}, take: func() (agreement.Op, error) {
		e, err := c.ledger().Find(size, align, rand.IntN(most+1))
		if err != nil {
			return "", err
		}
		most = min(2*most+1, len(c.a.peers))
		return c.ledger().Take(e)
	}}
	if err := c.commit(ctx, w); err != nil {
		return 0, err
	}
	return w.refs[0], nil
}

// taking makes an entry that is cut from none.
type taking struct {
	making
	take func() (agreement.Op, error)
}

func (w *taking) make() (agreement.Op, error) {
	op, err := w.take()
	if err == nil {
		w.begin(op)
	}
	return op, err
}

// hugeSize is the size of a huge page: what is as large lies so that those fit.
const hugeSize = 2 << 20

// InsertRAM adds memory that only this core has.
func (m *Monitor) InsertRAM(e caps.Extent) (caps.Ref, error) {
	m.agreed.mu.Lock()
	defer m.agreed.mu.Unlock()
	return m.caps.space.Insert(e)
}

// Cap returns what a capability of this core names. It fails with caps.ErrGone.
func (m *Monitor) Cap(r caps.Ref) (caps.ObjectID, caps.Cap, error) {
	m.agreed.mu.Lock()
	defer m.agreed.mu.Unlock()
	p, err := m.caps.space.Place(r)
	return p.Object, p.Cap, err
}

// Mint returns another capability to the same, with those of its rights that are in keep.
// It fails with caps.ErrGone.
func (m *Monitor) Mint(r caps.Ref, keep caps.Rights) (caps.Ref, error) {
	m.agreed.mu.Lock()
	defer m.agreed.mu.Unlock()
	return m.caps.space.Mint(r, keep)
}

// target is a capability on which an operation is to be done.
type target struct {
	caps.Place
	entry ledger.ID // of the root; 0: it is private
}

// aim is the target of an operation that others have a part in. It was just looked at for the
// first try, and is looked at anew for each other one.
type aim struct {
	of caps.Ref
	at target
}

// take returns the target, and whether it was looked at anew.
func (a *aim) take(c *capabilities) (t target, anew bool, err error) {
	if t, a.at = a.at, (target{}); t.entry != 0 {
		return t, false, nil
	}
	t, err = c.target(a.of)
	return t, true, err
}

func (c *capabilities) target(r caps.Ref) (t target, err error) {
	if t.Place, err = c.space.Place(r); err == nil {
		t.entry = c.entries[t.Root]
	}
	return t, err
}
