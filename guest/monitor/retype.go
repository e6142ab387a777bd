package monitor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
)

// errLocal says that an operation needs nobody else.
var errLocal = errors.New("it is local")

// Retype cuts count objects of a type and a size out of what r names, from offset on.
// Errors are those of caps.Space.Retype and the context's.
func (m *Monitor) Retype(ctx context.Context, r caps.Ref, to caps.Type, offset, size uint64, count int) ([]caps.Ref, error) {
	for {
		refs, w, request, err := m.caps.retype(ctx, r, to, offset, size, count)
		switch {
		case w == nil && errors.Is(err, ledger.ErrBusy):
			if err := pause(ctx, firstWait); err != nil {
				return nil, err
			}
			continue
		case w == nil:
			return refs, err
		}
		if err = m.caps.end(ctx, w, request, err); err == nil {
			return w.refs, nil
		}
		if err != errLocal {
			return nil, err
		}
	}
}

// retyping cuts what others hold too.
type retyping struct {
	making
	aim
	to           caps.Type
	offset, size uint64
	count        int
	entry        ledger.ID
}

func (w *retyping) make() (agreement.Op, error) {
	c := w.c
	t, anew, err := w.take(c)
	switch {
	case err != nil:
		return "", err
	case anew && !c.shared(&t):
		return "", errLocal // it was not when it was looked at first
	}
	op, err := c.ledger().Retype(t.entry, w.to, w.offset, w.size, w.count, t.Rights)
	if err == nil {
		w.entry = t.entry
		c.busy = append(c.busy, w.entry) // the other holder may drop it before this is under way
		w.begin(op)
	}
	return op, err
}

func (w *retyping) ended(committed bool) {
	w.making.ended(committed)
	w.c.idle(w.entry)
}

// retype does it without anybody else, if it can be done so, and has it begun where not: then w is
// there.
func (c *capabilities) retype(ctx context.Context, r caps.Ref, to caps.Type, offset, size uint64, count int) (refs []caps.Ref, w *retyping, q *request, err error) {
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	t, err := c.target(r)
	switch {
	case err != nil:
		return nil, nil, nil, err
	case t.Rights&caps.Derive == 0:
		return nil, nil, nil, fmt.Errorf("retype %v: derive: %w", t.Extent, caps.ErrRights)
	case c.shared(&t):
		w = &retyping{making: making{c: c}, aim: aim{r, t}, to: to, offset: offset, size: size, count: count}
		q, err = c.askNow(ctx, w)
		return nil, w, q, err
	case !c.alone(t.entry): // an own operation is under way that may change that, or a revocation
		return nil, nil, nil, ledger.ErrBusy
	case t.entry != 0:
		part := caps.Extent{Type: caps.RAM, Base: t.Base + offset, Size: size * uint64(max(count, 0))}
		if other, used := c.used(&t, part); used {
			return nil, nil, nil, fmt.Errorf("retype %v: %v is there: %w", t.Extent, other, caps.ErrOverlap)
		}
	}
	refs, err = c.space.Retype(r, to, offset, size, count)
	c.settle()
	return refs, nil, nil, err
}

// shared reports whether a target is an entry that others hold too.
func (c *capabilities) shared(t *target) bool {
	return t.entry != 0 && t.Object == t.Root && c.ledger().Shared(t.entry)
}

// alone reports whether this core may cut and use an entry, 0 for what is private, as if no
// other core were there.
func (c *capabilities) alone(id ledger.ID) bool {
	return id == 0 || c.ledger().Alone(id) && !slices.Contains(c.busy, id)
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
