package monitor

import (
	"context"
	"fmt"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
)

// Revoke removes every other capability to what r names, and to whatever was cut from it,
// on all cores. What they had mapped of it is unmapped when it returns. It fails with
// caps.ErrGone, caps.ErrRights, and the context's errors.
func (m *Monitor) Revoke(ctx context.Context, r caps.Ref) error {
	c := m.caps
	for {
		w, request, err := c.revoke(ctx, r)
		if w == nil {
			return err
		}
		if err = c.end(ctx, w, request, err); err != errLocal {
			return err
		}
	}
}

// revoking revokes all below of a capability that others know of.
type revoking struct {
	c *capabilities
	aim
	kept  bool // the program has deleted its own meanwhile: of is another one to the same
	done  bool // here
	entry ledger.ID
	part  caps.Extent
}

func (w *revoking) make() (agreement.Op, error) {
	c := w.c
	t, anew, err := w.take(c)
	switch {
	case err != nil:
		return "", err
	case anew && c.inside(&t):
		return "", errLocal
	case c.parts(t.entry):
		return "", ledger.ErrBusy
	}
	op, err := c.ledger().Revoke(t.entry, t.Extent)
	if err == nil {
		w.entry, w.part, w.done = t.entry, t.Extent, false
		c.busy = append(c.busy, w.entry)
		c.revoking = append(c.revoking, w)
	}
	return op, err
}

func (w *revoking) ended(bool) {
	w.c.revoking = without(w.c.revoking, w)
	w.c.idle(w.entry)
	if w.kept {
		w.kept = false
		w.c.unpin(w.of)
	}
}

func (*revoking) abandoned() {} // nothing gives back what is revoked

// revoked does here what an own operation has done for all.
func (c *capabilities) revoked(ch *ledger.Change) {
	for _, w := range c.revoking {
		if w.entry == ch.Entry && w.part == ch.Extent && !w.done {
			w.done = true
			c.free(c.space.Revoke(w.of)) // one that is gone revokes nothing
		}
	}
}

// keepFor has there be another capability for what is under way with one that is about to be deleted.
func (c *capabilities) keepFor(r caps.Ref) {
	for _, w := range c.revoking {
		if w.of == r {
			w.of, _ = c.space.Copy(r)
			w.kept = true
		}
	}
}

// inside reports whether nobody else has anything of it.
func (c *capabilities) inside(t *target) bool {
	if t.entry == 0 {
		return true
	}
	if !c.alone(t.entry) {
		return false
	}
	_, used := c.used(t, t.Extent)
	return !used
}

// revoke does it without anybody else, if it can be done so, and has it begun where not: then w is
// there.
func (c *capabilities) revoke(ctx context.Context, r caps.Ref) (w *revoking, q *request, err error) {
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	t, err := c.target(r)
	switch {
	case err != nil:
		return nil, nil, err
	case t.Rights&caps.Derive == 0:
		return nil, nil, fmt.Errorf("revoke %v: derive: %w", t.Extent, caps.ErrRights)
	case !c.inside(&t):
		w = &revoking{c: c, aim: aim{r, t}}
		q, err = c.askNow(ctx, w)
		return w, q, err
	}
	free, err := c.space.Revoke(r)
	c.free(free, err)
	c.settle()
	return nil, nil, err
}
