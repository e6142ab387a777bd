package monitor

import (
	"context"
	"fmt"
	"slices"

	"barreleye/devices/region"
	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/bind"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
)

// Send gives another core a capability to what r names, with rights that r has, among them
// Grant: whoever calls Receive there gets it. It waits until that core takes part (TakePart,
// Receive or TakeRAM there). It fails with caps.ErrGone, caps.ErrRights, ErrPrivate,
// ErrDivided, bind.ErrGone where that core does not live, and the context's.
func (m *Monitor) Send(ctx context.Context, r caps.Ref, to int, rights caps.Rights) error {
	return m.give(ctx, r, to, rights, 0, false)
}

// Move is as Send, but this core keeps none. All its capabilities to what r names go.
func (m *Monitor) Move(ctx context.Context, r caps.Ref, to int, rights caps.Rights) error {
	return m.give(ctx, r, to, rights, 0, true)
}

// SendOver is as Send, for the other end of an open channel. It returns the tag by which
// that accepts it.
func (m *Monitor) SendOver(ctx context.Context, r caps.Ref, over bind.ID, rights caps.Rights) (tag uint64, err error) {
	o, open := m.channels.lookup(over)
	if !open {
		return 0, fmt.Errorf("the channel is closed: %w", bind.ErrGone)
	}
	tag = channelTag(&o.Entry, m.caps.sent.Add(1))
	return tag, m.give(ctx, r, o.Peer, rights, tag, false)
}

// A tag names the channel over which a capability is announced, as its sender sees it: bit
// 63, epoch 8, page 16, page of the peer 16, from bit 22 on; below that it counts.
const (
	tagChannel = 1 << 63
	tagShift   = 22
)

func channelTag(e *region.Entry, count uint64) uint64 {
	return tagChannel | channelKey(e.Epoch, e.Page, e.PeerPage)<<tagShift | count&(1<<tagShift-1)
}

func channelKey(epoch uint8, page, peerPage int) uint64 {
	return uint64(epoch)<<32 | uint64(uint16(page))<<16 | uint64(uint16(peerPage))
}

// over reports whether a tag is of a channel to which this core's end is e.
func over(tag uint64, e *region.Entry) bool {
	return tag&tagChannel != 0 && tag&^tagChannel>>tagShift == channelKey(e.Epoch, e.PeerPage, e.Page)
}

func (m *Monitor) give(ctx context.Context, r caps.Ref, to int, rights caps.Rights, tag uint64, move bool) (err error) {
	c := m.caps
	if err := c.enter(ctx); err != nil {
		return err
	}
	lives := m.Members().Lives
	if to < 0 || to >= len(lives) || to == c.core || lives[to] == 0 {
		return fmt.Errorf("core %d: %w", to, bind.ErrGone)
	}
	if err := c.a.wait(ctx, func() bool { return c.ledger().Entered(to) || !m.members.lives(to, lives[to]) }); err != nil {
		return err
	}
	w := &giving{m: m, of: r, to: to, life: lives[to], rights: rights, tag: tag, move: move}
	err = c.begin(ctx, w)
	if err != nil || !move {
		return err
	}
	// It was a local object until now: what is left of it here goes.
	c.a.mu.Lock()
	t, err := c.target(r)
	if err == nil {
		c.free(c.space.Remove(t.Object), nil)
		c.settle()
	}
	done := c.letting[t.entry]
	c.a.mu.Unlock()
	if done != nil {
		<-done
	}
	return nil
}

// giving gives another core what r names.
type giving struct {
	m      *Monitor
	of     caps.Ref
	to     int
	life   uint64
	rights caps.Rights
	tag    uint64
	move   bool

	given, lifted ledger.ID // the entry, or the one that it is about to be
	pin           caps.Ref
}

func (w *giving) make() (agreement.Op, error) {
	c := w.m.caps
	t, err := c.target(w.of)
	switch {
	case err != nil:
		return "", err
	case !w.m.members.lives(w.to, w.life) || !c.ledger().Entered(w.to):
		return "", fmt.Errorf("core %d: %w", w.to, bind.ErrGone)
	case t.Rights&caps.Grant == 0 || w.rights&^t.Rights != 0:
		return "", fmt.Errorf("send %v as %v, having %v: grant and those needed: %w", t.Extent, w.rights, t.Rights, caps.ErrRights)
	case t.entry == 0:
		return "", fmt.Errorf("send %v: %w", t.Extent, ErrPrivate)
	case c.space.Divided(t.Object):
		return "", fmt.Errorf("send %v: %w", t.Extent, ErrDivided)
	case t.Object != t.Root:
		return w.share(&t)
	}
	do := c.ledger().Send
	if w.move {
		do = c.ledger().Move
	}
	op, err := do(t.entry, w.to, w.rights, w.tag)
	if err == nil {
		w.given = t.entry
		c.busy = append(c.busy, w.given)
	}
	return op, err
}

// share makes an entry of what was cut here.
func (w *giving) share(t *target) (agreement.Op, error) {
	c := w.m.caps
	for _, l := range c.lifting {
		if l.in == t.Root && l.Overlaps(t.Extent) {
			return "", ledger.ErrBusy
		}
	}
	if c.parts(t.entry) {
		return "", ledger.ErrBusy
	}
	own, _ := c.ledger().Rights(t.entry, c.core)
	op, err := c.ledger().Share(t.entry, t.Extent, own, w.to, w.rights, w.tag)
	if err == nil {
		w.lifted, _ = c.ledger().Made(op)
		w.pin, _ = c.space.Copy(w.of)
		c.lifting[w.lifted] = lift{w.pin, t.Root, t.Extent}
	}
	return op, err
}

func (w *giving) ended(bool) {
	c := w.m.caps
	delete(c.lifting, w.lifted) // where it took effect gain did
	c.unpin(w.pin)
	c.idle(w.given)
	w.given, w.lifted, w.pin = 0, 0, 0
}

func (*giving) abandoned() {} // nothing takes back what was given

// Accept returns the capability that was sent over an open channel under a tag. It fails
// with caps.ErrGone where it was revoked, or the sender has died before this core had
// accepted it.
func (m *Monitor) Accept(id bind.ID, tag uint64) (caps.Ref, error) {
	o, _ := m.channels.lookup(id)
	a, ok := m.caps.take(func(a *Arrival) bool { return a.From == o.Peer && a.Tag == tag && over(tag, &o.Entry) })
	if !ok {
		return 0, fmt.Errorf("sent by core %d: %w", o.Peer, caps.ErrGone)
	}
	return a.Ref, nil
}

// closed drops what a peer has sent over channels that are not open any more.
func (c *capabilities) closed(peer int) {
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	c.refuse(func(a *Arrival) bool { return a.From == peer && a.Tag&tagChannel != 0 && !c.open(peer, a.Tag) })
	c.settle()
}

// refuse drops some of what has arrived.
func (c *capabilities) refuse(is func(*Arrival) bool) {
	c.arrived = slices.DeleteFunc(c.arrived, func(a Arrival) bool {
		if !is(&a) {
			return false
		}
		c.free(c.space.Delete(a.Ref))
		return true
	})
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
	for i := range c.arrived {
		if is(&c.arrived[i]) {
			a = c.arrived[i]
			c.arrived = slices.Delete(c.arrived, i, i+1)
			return a, true
		}
	}
	return a, false
}

// TakePart has this core take part in what others send, before it waits for anything.
func (m *Monitor) TakePart(ctx context.Context) error { return m.caps.enter(ctx) }
