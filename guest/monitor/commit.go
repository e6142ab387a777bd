package monitor

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
)

// wanted is an operation of the ledger that this core's program wants. The methods are called
// with mu held.
type wanted interface {
	// make makes it, or says why it cannot be: with ledger.ErrBusy it is tried again.
	make() (agreement.Op, error)
	// ended is told how it ended, however often it is tried. abandoned undoes what it did
	// where nobody waits for it any more.
	ended(committed bool)
	abandoned()
}

// plain is an operation of which this core keeps nothing.
type plain func() (agreement.Op, error)

func (p plain) make() (agreement.Op, error) { return p() }
func (plain) ended(bool)                    {}
func (plain) abandoned()                    {}

// making is an operation that makes entries.
type making struct {
	c     *capabilities
	first ledger.ID
	refs  []caps.Ref // to the entries, once they are there; one may be gone already where it was revoked
	one   [1]caps.Ref
}

// begin says that the operation was made.
func (m *making) begin(op agreement.Op) {
	first, count := m.c.ledger().Made(op)
	if m.first, m.refs = first, m.one[:]; count > 1 {
		m.refs = make([]caps.Ref, count)
	}
	m.c.makings = append(m.c.makings, m)
}

func (m *making) ended(bool) { m.c.makings = without(m.c.makings, m) }

func (m *making) abandoned() {
	for _, r := range m.refs {
		m.c.free(m.c.space.Delete(r))
	}
}

// maker returns where the capability to an entry goes that an own operation makes, nil where
// none does.
func (c *capabilities) maker(id ledger.ID) *caps.Ref {
	for _, m := range c.makings {
		if id >= m.first && id-m.first < ledger.ID(len(m.refs)) {
			return &m.refs[id-m.first]
		}
	}
	return nil
}

// without removes the first x from a list, in place.
func without[T comparable](list []T, x T) []T {
	if i := slices.Index(list, x); i >= 0 {
		list = slices.Delete(list, i, i+1)
	}
	return list
}

// commit has an operation of the ledger take effect.
func (c *capabilities) commit(ctx context.Context, w wanted) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	return c.begin(ctx, w)
}

func (c *capabilities) begin(ctx context.Context, w wanted) error {
	r, err := c.ask(ctx, w)
	return c.end(ctx, w, r, err)
}

// end has an operation take effect that was begun, or could not be.
func (c *capabilities) end(ctx context.Context, w wanted, r *request, err error) error {
	for wait := firstWait; ; wait = min(2*wait, mostWait) {
		if err == nil {
			switch outcome, err := c.await(ctx, w, r); {
			case err != nil:
				return err
			case outcome == agreement.Committed:
				return nil
			case outcome == agreement.TooLong:
				return ErrTooLong
			}
		} else if !errors.Is(err, ledger.ErrBusy) {
			return err
		}
		if err := pause(ctx, rand.N(wait)); err != nil {
			return err
		}
		r, err = c.ask(ctx, w)
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// await returns how an operation ended. Where the context ends first, what it does is undone
// once it is done.
func (c *capabilities) await(ctx context.Context, w wanted, r *request) (agreement.Outcome, error) {
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	if c.a.await(ctx, r) {
		return c.ended(r, w), nil
	}
	go c.abandon(r, w)
	return 0, ctx.Err()
}

// ask makes an operation and begins it.
func (c *capabilities) ask(ctx context.Context, w wanted) (*request, error) {
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	return c.askNow(ctx, w)
}

// askNow is ask with mu held.
func (c *capabilities) askNow(ctx context.Context, w wanted) (*request, error) {
	op, err := w.make()
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		w.ended(false)
		return nil, err
	}
	return c.a.begin(op, true), nil
}

// abandon undoes what an operation does once it is done.
func (c *capabilities) abandon(r *request, w wanted) {
	<-r.wake
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	if c.ended(r, w) == agreement.Committed {
		w.abandoned()
		c.settle()
	}
}

// ended tells the ledger, and whoever wanted it, how an operation ended, with mu held.
func (c *capabilities) ended(r *request, w wanted) agreement.Outcome {
	c.ledger().Ended(r.op)
	w.ended(r.outcome == agreement.Committed)
	return c.a.done(r)
}

// enter has this core take part in the ledger, once in its life.
func (c *capabilities) enter(ctx context.Context) error {
	if c.entered.Load() {
		return nil
	}
	err := c.a.wait(ctx, func() bool { return true })
	if err == nil {
		err = c.begin(ctx, plain(func() (agreement.Op, error) {
			if c.ledger().Entered(c.core) {
				return "", errEntered
			}
			op, err := c.ledger().Enter()
			if err != nil {
				err = errors.Join(err, ledger.ErrBusy) // another goroutine's is under way
			}
			return op, err
		}))
	}
	if err == nil || errors.Is(err, errEntered) {
		c.entered.Store(true)
		return nil
	}
	return err
}

var errEntered = errors.New("it has entered")
