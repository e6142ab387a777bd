package monitor

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/ledger"
)

// wanted is an operation of the ledger that this core's program wants.
type wanted struct {
	// make makes it, or says why it cannot be: with ledger.ErrBusy it is tried again.
	// The functions are called with mu held.
	make func() (agreement.Op, error)
	// ended is told how it ended, however often it is tried. abandoned undoes what the
	// operation did where nobody waits for it any more.
	ended     func(op agreement.Op, committed bool)
	abandoned func(op agreement.Op)
}

// commit has an operation of the ledger take effect.
func (c *capabilities) commit(ctx context.Context, w wanted) (agreement.Op, error) {
	if err := c.enter(ctx); err != nil {
		return "", err
	}
	return c.begin(ctx, w)
}

func (c *capabilities) begin(ctx context.Context, w wanted) (agreement.Op, error) {
	for wait := firstWait; ; wait = min(2*wait, mostWait) {
		op, err := c.wanted(&w)
		switch {
		case err == nil:
			outcome, err := c.try(ctx, op, w)
			switch {
			case err != nil:
				return "", err
			case outcome == agreement.Committed:
				return op, nil
			case outcome == agreement.TooLong:
				return "", ErrTooLong
			}
		case !errors.Is(err, ledger.ErrBusy):
			return "", err
		}
		if err := pause(ctx, rand.N(wait)); err != nil {
			return "", err
		}
	}
}

func (c *capabilities) wanted(w *wanted) (agreement.Op, error) {
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	return w.make()
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

// try has an operation agreed on. Where the context ends first, what it does is undone
// once it is done.
func (c *capabilities) try(ctx context.Context, op agreement.Op, w wanted) (agreement.Outcome, error) {
	if err := ctx.Err(); err != nil {
		c.ended(op, agreement.Refused, w, false)
		return 0, err
	}
	if ctx.Done() == nil {
		outcome, err := c.a.agree(ctx, op)
		return c.ended(op, outcome, w, false), err
	}
	done := make(chan agreement.Outcome, 1)
	go func() {
		outcome, _ := c.a.agree(context.WithoutCancel(ctx), op) // it ends however long it takes
		done <- outcome
	}()
	select {
	case outcome := <-done:
		return c.ended(op, outcome, w, false), nil
	case <-ctx.Done():
		go func() { c.ended(op, <-done, w, true) }()
		return 0, ctx.Err()
	}
}

// ended tells the ledger, and whoever wanted it, how an operation ended.
func (c *capabilities) ended(op agreement.Op, outcome agreement.Outcome, w wanted, abandoned bool) agreement.Outcome {
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	c.ledger().Ended(op)
	committed := outcome == agreement.Committed
	if w.ended != nil {
		w.ended(op, committed)
	}
	if committed && abandoned && w.abandoned != nil {
		w.abandoned(op)
		c.settle()
	}
	return outcome
}

// enter has this core take part in the ledger, once in its life.
func (c *capabilities) enter(ctx context.Context) error {
	entered := false
	if err := c.a.wait(ctx, func() bool { entered = c.ledger().Entered(c.core); return true }); err != nil || entered {
		return err
	}
	_, err := c.begin(ctx, wanted{make: func() (agreement.Op, error) {
		if c.ledger().Entered(c.core) {
			entered = true
			return "", errEntered
		}
		op, err := c.ledger().Enter()
		if err != nil {
			err = errors.Join(err, ledger.ErrBusy) // another goroutine's is under way
		}
		return op, err
	}})
	if errors.Is(err, errEntered) {
		return nil
	}
	return err
}

var errEntered = errors.New("it has entered")

// drop has an entry let go of, unless it came back meanwhile.
func (c *capabilities) drop(id ledger.ID, done chan struct{}) {
	_, _ = c.begin(context.Background(), wanted{make: func() (agreement.Op, error) {
		_, here := c.objects[id]
		if _, held := c.ledger().Rights(id, c.core); here || !held {
			return "", errEntered
		}
		return c.ledger().Drop(id)
	}})
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	delete(c.letting, id)
	close(done)
	if _, here := c.objects[id]; !here {
		if _, held := c.ledger().Rights(id, c.core); held {
			c.let(id)
		}
	}
}
