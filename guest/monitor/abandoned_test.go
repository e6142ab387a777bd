package monitor

import (
	"context"
	"errors"
	"testing"
	"time"

	"barreleye/guest/monitor/caps"
)

// asked has core 0 do something for which core 1 does not answer until it is released. It returns
// once core 0 waits for that.
func asked(t *testing.T, m [2]*Monitor, do func() error) (ended chan error, release func()) {
	held := &m[0].ears.list[0].ch.(*stepped).held
	held.Store(true)
	ended = make(chan error, 1)
	go func() { ended <- do() }()
	eventually(t, m, func() bool {
		m[0].agreed.mu.Lock()
		defer m[0].agreed.mu.Unlock()
		r := m[0].agreed.under[0]
		return r != nil && r.parked
	})
	return ended, func() { held.Store(false) }
}

// eventually steps both until something is so.
func eventually(t *testing.T, m [2]*Monitor, is func() bool) {
	t.Helper()
	for begun := time.Now(); !is(); step(m) {
		if time.Since(begun) > patience {
			t.Fatalf("not after %v", patience)
		}
	}
}

// settled returns once nothing of core 0 is under way and both know of that many entries.
func settled(t *testing.T, m [2]*Monitor, entries int) {
	t.Helper()
	eventually(t, m, func() bool {
		for _, one := range m {
			one.agreed.mu.Lock()
			c := one.caps
			busy := len(c.makings) + len(c.revoking) + len(c.busy) + len(c.letting)
			n := len(c.ledger().Entries())
			one.agreed.mu.Unlock()
			if busy > 0 || n != entries {
				return false
			}
		}
		return true
	})
}

// TestRetypeAbandoned: what is cut once nobody waits for it any more is given back on all cores.
func TestRetypeAbandoned(t *testing.T) {
	m := partners(t)
	ram := lent(t, m)
	ctx, cancel := context.WithCancel(context.Background())
	ended, release := asked(t, m, func() error {
		_, err := m[0].Retype(ctx, ram, caps.Frame, 0, caps.PageSize, 2)
		return err
	})
	cancel()
	if err := <-ended; err != context.Canceled {
		t.Fatal(err)
	}
	release()
	settled(t, m, 1)
	if _, err := m[0].Retype(ctx, ram, caps.Frame, 0, caps.PageSize, 2); err != context.Canceled {
		t.Error(err)
	}
	if refs, err := m[0].Retype(context.Background(), ram, caps.Frame, 0, caps.PageSize, 2); len(refs) != 2 {
		t.Error(refs, err)
	}
}

// TestRevokeDeleted: a capability is deleted while what it is for is being revoked: that is revoked
// all the same, and let go of then.
func TestRevokeDeleted(t *testing.T) {
	m := partners(t)
	ram := lent(t, m)
	ended, release := asked(t, m, func() error { return m[0].Revoke(context.Background(), ram) })
	if err := m[0].Delete(context.Background(), ram); err != nil {
		t.Fatal(err)
	}
	if _, _, err := m[0].Cap(ram); !errors.Is(err, caps.ErrGone) {
		t.Error(err)
	}
	release()
	var err error
	eventually(t, m, func() bool {
		select {
		case err = <-ended:
			return true
		default:
			return false
		}
	})
	if err != nil || len(m[1].caps.space.Objects()) > 0 {
		t.Errorf("%v; core 1 has %v", err, m[1].caps.space.Objects())
	}
	settled(t, m, 0)
}

// TestDeleteAbandoned: what was deleted is let go of also where the context ends first.
func TestDeleteAbandoned(t *testing.T) {
	m := partners(t)
	ram := lent(t, m)
	if err := m[0].Revoke(context.Background(), ram); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended, release := asked(t, m, func() error { return m[0].Delete(ctx, ram) })
	cancel()
	if err := <-ended; err != context.Canceled {
		t.Fatal(err)
	}
	release()
	settled(t, m, 0)
}
