package monitor

import (
	"context"
	"fmt"
	"slices"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/bind"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
)

// Send gives another core a capability to what r names, with rights that r has, among them
// Grant. It waits until that core takes part (Receive, Accept or TakeRAM there). With named
// it returns a tag by which the receiver accepts exactly this one; otherwise that is 0, and
// whoever calls Receive there gets it. It fails with caps.ErrGone, caps.ErrRights,
// ErrPrivate, ErrDivided, bind.ErrGone where that core does not live, and the context's.
func (m *Monitor) Send(ctx context.Context, r caps.Ref, to int, rights caps.Rights, named bool) (tag uint64, err error) {
	return m.give(ctx, r, to, rights, named, false)
}

// Move is as Send, but this core keeps none. All its capabilities to what r names go.
func (m *Monitor) Move(ctx context.Context, r caps.Ref, to int, rights caps.Rights, named bool) (tag uint64, err error) {
	return m.give(ctx, r, to, rights, named, true)
}

func (m *Monitor) give(ctx context.Context, r caps.Ref, to int, rights caps.Rights, named, move bool) (tag uint64, err error) {
	c := m.caps
	if err := c.enter(ctx); err != nil {
		return 0, err
	}
	lives := m.Members().Lives
	if to < 0 || to >= len(lives) || to == c.core || lives[to] == 0 {
		return 0, fmt.Errorf("core %d: %w", to, bind.ErrGone)
	}
	if err := c.a.wait(ctx, func() bool { return c.ledger().Entered(to) || !m.members.lives(to, lives[to]) }); err != nil {
		return 0, err
	}
	var lifted, given ledger.ID
	_, err = c.begin(ctx, wanted{
		make: func() (agreement.Op, error) {
			t, err := c.target(r)
			switch {
			case err != nil:
				return "", err
			case !m.members.lives(to, lives[to]) || !c.ledger().Entered(to):
				return "", fmt.Errorf("core %d: %w", to, bind.ErrGone)
			case t.Rights&caps.Grant == 0 || rights&^t.Rights != 0:
				return "", fmt.Errorf("send %v as %v, having %v: grant and those needed: %w", t.Extent, rights, t.Rights, caps.ErrRights)
			case t.entry == 0:
				return "", fmt.Errorf("send %v: %w", t.Extent, ErrPrivate)
			case c.space.Divided(t.object):
				return "", fmt.Errorf("send %v: %w", t.Extent, ErrDivided)
			}
			if tag == 0 && named {
				c.tags++
				tag = c.life<<32 | c.tags
			}
			if t.object == t.root {
				do := c.ledger().Send
				if move {
					do = c.ledger().Move
				}
				op, err := do(t.entry, to, rights, tag)
				if err == nil {
					given = t.entry
					c.giving[given]++
				}
				return op, err
			}
			for _, l := range c.lifting {
				if l.in == t.root && l.Overlaps(t.Extent) {
					return "", ledger.ErrBusy
				}
			}
			own, _ := c.ledger().Rights(t.entry, c.core)
			op, err := c.ledger().Share(t.entry, t.Extent, own, to, rights, tag)
			if err == nil {
				lifted, _ = ledger.Made(op)
				c.lifting[lifted] = lift{r, t.root, t.Extent}
			}
			return op, err
		},
		ended: func(agreement.Op, bool) {
			delete(c.lifting, lifted) // where it took effect gain did
			if c.giving[given]--; c.giving[given] <= 0 {
				delete(c.giving, given)
			}
		},
	})
	if err != nil || !move {
		return tag, err
	}
	// It was a local object until now: what is left of it here goes.
	c.a.mu.Lock()
	t, err := c.target(r)
	if err == nil {
		c.free(c.space.Remove(t.object), nil)
		c.settle()
	}
	done := c.letting[t.entry]
	c.a.mu.Unlock()
	if done != nil {
		<-done
	}
	return tag, nil
}

// Accept returns the capability that a core has sent under a tag. It fails with
// caps.ErrGone where it was revoked, or the sender has died before this core had accepted.
func (m *Monitor) Accept(from int, tag uint64) (caps.Ref, error) {
	a, ok := m.caps.take(func(a *Arrival) bool { return a.From == from && a.Tag == tag })
	if !ok {
		return 0, fmt.Errorf("sent by core %d: %w", from, caps.ErrGone)
	}
	return a.Ref, nil
}

// Receive returns the next capability that any core has sent to whoever waits.
func (m *Monitor) Receive(ctx context.Context) (a Arrival, err error) {
	if err := m.caps.enter(ctx); err != nil {
		return a, err
	}
	err = m.caps.a.wait(ctx, func() (ok bool) {
		a, ok = m.caps.next(func(a *Arrival) bool { return a.Tag == 0 })
		return ok
	})
	return a, err
}

func (c *capabilities) take(is func(*Arrival) bool) (Arrival, bool) {
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	return c.next(is)
}

// next takes the first arrival of some, with mu held.
func (c *capabilities) next(is func(*Arrival) bool) (a Arrival, ok bool) {
	i := slices.IndexFunc(c.arrived, func(a Arrival) bool { return is(&a) })
	if i < 0 {
		return a, false
	}
	a = c.arrived[i]
	c.arrived = slices.Delete(c.arrived, i, i+1)
	return a, true
}

// TakePart has this core take part in what others send, before it waits for anything.
func (m *Monitor) TakePart(ctx context.Context) error { return m.caps.enter(ctx) }
