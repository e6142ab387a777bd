package monitor

import (
	"context"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
)

// Delete removes a capability. Where it was this core's last one to something that others
// know of, it returns once those know that too; if the context ends before, that happens
// all the same. It fails with caps.ErrGone and the context's errors.
func (m *Monitor) Delete(ctx context.Context, r caps.Ref) error {
	c := m.caps
	id, done, mine, err := c.delete(r)
	if err != nil || done == nil {
		return err
	}
	if mine {
		if c.begin(ctx, c.dropping(id)) != nil && ctx.Err() != nil {
			go c.drop(id, done)
			return ctx.Err()
		}
		c.dropped(id, done)
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// delete removes a capability here. Where that was the last one to an entry, done is closed once
// that is let go of: by who calls it if it is mine.
func (c *capabilities) delete(r caps.Ref) (id ledger.ID, done chan struct{}, mine bool, err error) {
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	t, err := c.target(r)
	if err != nil {
		return 0, nil, false, err
	}
	before := c.letting[t.entry]
	c.deleting = t.entry
	c.keepFor(r)
	free, err := c.space.Delete(r)
	c.free(free, err)
	c.settle()
	c.deleting = 0
	done = c.letting[t.entry]
	return t.entry, done, done != before, err
}

// let lets go of an entry, sooner or later.
func (c *capabilities) let(id ledger.ID) {
	if c.letting[id] == nil {
		done := make(chan struct{})
		c.letting[id] = done
		if id != c.deleting {
			go c.drop(id, done)
		}
	}
}

// drop has an entry let go of, unless it came back meanwhile.
func (c *capabilities) drop(id ledger.ID, done chan struct{}) {
	_ = c.begin(context.Background(), c.dropping(id))
	c.dropped(id, done)
}

func (c *capabilities) dropping(id ledger.ID) wanted {
	return plain(func() (agreement.Op, error) {
		_, here := c.objects[id]
		if _, held := c.ledger().Rights(id, c.core); here || !held {
			return "", errEntered
		}
		return c.ledger().Drop(id)
	})
}

// dropped says that an entry is let go of, or came back.
func (c *capabilities) dropped(id ledger.ID, done chan struct{}) {
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
