package monitor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

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
	op, err := c.commit(ctx, wanted{
		make: func() (agreement.Op, error) {
			e, err := c.ledger().Find(size, align, rand.IntN(most+1))
			if err != nil {
				return "", err
			}
			most = min(2*most+1, len(c.a.peers))
			return c.ledger().Take(e)
		},
		abandoned: c.forget,
	})
	if err != nil {
		return 0, err
	}
	return c.collect(op)[0], nil
}

// hugeSize is the size of a huge page: what is as large lies so that those fit.
const hugeSize = 2 << 20

// collect returns the capabilities that an own operation has made.
func (c *capabilities) collect(op agreement.Op) []caps.Ref {
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	first, count := ledger.Made(op)
	refs := make([]caps.Ref, count)
	for i := range refs {
		id := first + ledger.ID(i)
		refs[i] = c.made[id] // gone already where it was revoked
		delete(c.made, id)
	}
	return refs
}

// forget drops what an own operation has made, with mu held.
func (c *capabilities) forget(op agreement.Op) {
	first, count := ledger.Made(op)
	for i := range count {
		id := first + ledger.ID(i)
		c.free(c.space.Delete(c.made[id]))
		delete(c.made, id)
	}
}

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

func (c *capabilities) target(r caps.Ref) (t target, err error) {
	if t.Place, err = c.space.Place(r); err == nil {
		t.entry = c.entries[t.Root]
	}
	return t, err
}

// errLocal says that an operation needs nobody else.
var errLocal = fmt.Errorf("it is local")

// Retype cuts count objects of a type and a size out of what r names, from offset on.
// Errors are those of caps.Space.Retype and the context's.
func (m *Monitor) Retype(ctx context.Context, r caps.Ref, to caps.Type, offset, size uint64, count int) ([]caps.Ref, error) {
	c := m.caps
	refs, local, err := c.retypeHere(r, to, offset, size, count)
	for local && errors.Is(err, ledger.ErrBusy) {
		if err := pause(ctx, firstWait); err != nil {
			return nil, err
		}
		refs, local, err = c.retypeHere(r, to, offset, size, count)
	}
	if local {
		return refs, err
	}
	var from ledger.ID
	op, err := c.commit(ctx, wanted{
		make: func() (agreement.Op, error) {
			t, err := c.target(r)
			switch {
			case err != nil:
				return "", err
			case t.Object != t.Root || !c.ledger().Shared(t.entry):
				return "", errLocal // it was not when it was looked at first
			}
			op, err := c.ledger().Retype(t.entry, to, offset, size, count, t.Rights)
			if err == nil {
				from = t.entry
				c.busy[from]++ // the other holder may drop it before this is under way
			}
			return op, err
		},
		ended:     func(agreement.Op, bool) { c.idle(from) },
		abandoned: c.forget,
	})
	switch {
	case err == errLocal:
		return m.Retype(ctx, r, to, offset, size, count)
	case err != nil:
		return nil, err
	}
	return c.collect(op), nil
}

// retypeHere does it without anybody else, if it can be done so.
func (c *capabilities) retypeHere(r caps.Ref, to caps.Type, offset, size uint64, count int) (refs []caps.Ref, local bool, err error) {
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	t, err := c.target(r)
	switch {
	case err != nil:
		return nil, true, err
	case t.Rights&caps.Derive == 0:
		return nil, true, fmt.Errorf("retype %v: derive: %w", t.Extent, caps.ErrRights)
	case t.entry != 0 && t.Object == t.Root && c.ledger().Shared(t.entry):
		return nil, false, nil
	case !c.alone(&t): // an own operation is under way that may change that, or a revocation
		return nil, true, ledger.ErrBusy
	case t.entry != 0:
		part := caps.Extent{Type: caps.RAM, Base: t.Base + offset, Size: size * uint64(max(count, 0))}
		if other, used := c.used(&t, part); used {
			return nil, true, fmt.Errorf("retype %v: %v is there: %w", t.Extent, other, caps.ErrOverlap)
		}
	}
	refs, err = c.space.Retype(r, to, offset, size, count)
	c.settle()
	return refs, true, err
}

// alone reports whether this core may cut and use the root of a target as if no other core
// were there.
func (c *capabilities) alone(t *target) bool {
	return t.entry == 0 || c.ledger().Alone(t.entry) && c.busy[t.entry] == 0
}

// used returns what others have, or are about to have, of a part of an entry.
func (c *capabilities) used(t *target, part caps.Extent) (caps.Extent, bool) {
	if other, used := c.ledger().Used(t.entry, part); used {
		return other, true
	}
	for _, l := range c.lifting {
		if l.in == t.Root && l.Overlaps(part) {
			return l.Extent, true
		}
	}
	return caps.Extent{}, false
}

// Revoke removes every other capability to what r names, and to whatever was cut from it,
// on all cores. What they had mapped of it is unmapped when it returns. It fails with
// caps.ErrGone, caps.ErrRights, and the context's errors.
func (m *Monitor) Revoke(ctx context.Context, r caps.Ref) error {
	c := m.caps
	if local, err := c.revokeHere(r); local {
		return err
	}
	var key string
	var pin caps.Ref
	var from ledger.ID
	_, err := c.commit(ctx, wanted{
		make: func() (agreement.Op, error) {
			t, err := c.target(r)
			switch {
			case err != nil:
				return "", err
			case c.inside(&t):
				return "", errLocal
			case c.parts(t.entry):
				return "", ledger.ErrBusy
			}
			op, err := c.ledger().Revoke(t.entry, t.Extent)
			if err == nil {
				from = t.entry
				c.busy[from]++
				pin, _ = c.space.Copy(r) // so that r may be deleted meanwhile
				key = revocation(t.entry, t.Extent)
				c.revoking[key] = append(c.revoking[key], revoked{r, pin})
			}
			return op, err
		},
		ended: func(agreement.Op, bool) {
			c.revoking[key] = slices.DeleteFunc(c.revoking[key], func(o revoked) bool { return o.pin == pin })
			if len(c.revoking[key]) == 0 {
				delete(c.revoking, key)
			}
			c.idle(from)
			c.unpin(pin)
		},
	})
	if err == errLocal {
		return m.Revoke(ctx, r)
	}
	return err
}

// inside reports whether nobody else has anything of it.
func (c *capabilities) inside(t *target) bool {
	if t.entry == 0 {
		return true
	}
	if !c.alone(t) {
		return false
	}
	_, used := c.used(t, t.Extent)
	return !used
}

func (c *capabilities) revokeHere(r caps.Ref) (local bool, err error) {
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	t, err := c.target(r)
	switch {
	case err != nil:
		return true, err
	case t.Rights&caps.Derive == 0:
		return true, fmt.Errorf("revoke %v: derive: %w", t.Extent, caps.ErrRights)
	case !c.inside(&t):
		return false, nil
	}
	free, err := c.space.Revoke(r)
	c.free(free, err)
	c.settle()
	return true, err
}

// Delete removes a capability. Where it was this core's last one to something that others
// know of, it returns once those know that too; if the context ends before, that happens
// all the same. It fails with caps.ErrGone and the context's errors.
func (m *Monitor) Delete(ctx context.Context, r caps.Ref) error {
	c := m.caps
	done, err := c.delete(r)
	if err != nil || done == nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *capabilities) delete(r caps.Ref) (done <-chan struct{}, err error) {
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	t, err := c.target(r)
	if err != nil {
		return nil, err
	}
	free, err := c.space.Delete(r)
	c.free(free, err)
	c.settle()
	return c.letting[t.entry], err
}
