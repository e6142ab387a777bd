package monitor

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/names"
)

// Errors of names.
var (
	ErrTaken   = errors.New("another service has that name")
	ErrNotHeld = errors.New("this core does not have it")
)

// Export offers a service of this core to all. number is the program's.
func (m *Monitor) Export(ctx context.Context, name string, number uint64, properties ...names.Property) error {
	op, err := names.Export(m.cfg.Core, name, number, properties...)
	if err != nil {
		return err
	}
	return m.agreed.have(ctx, op, func(r *names.Registry) error {
		if _, taken := r.Lookup(name); taken {
			return ErrTaken
		}
		return nil
	})
}

// Withdraw ends a service of this core.
func (m *Monitor) Withdraw(ctx context.Context, name string) error {
	op, err := names.Withdraw(m.cfg.Core, name)
	if err != nil {
		return err
	}
	return m.agreed.have(ctx, op, func(r *names.Registry) error {
		if s, ok := r.Lookup(name); !ok || s.Core != m.cfg.Core {
			return ErrNotHeld
		}
		return nil
	})
}

// errHeld says that somebody holds a lock.
var errHeld = errors.New("somebody holds it")

// TryLock takes a lock that nobody holds, and reports whether it did.
func (m *Monitor) TryLock(ctx context.Context, name string) (bool, error) {
	op, err := names.Lock(m.cfg.Core, name)
	if err != nil {
		return false, err
	}
	err = m.agreed.have(ctx, op, func(r *names.Registry) error {
		if _, held := r.Holder(name); held {
			return errHeld
		}
		return nil
	})
	if err == errHeld {
		return false, nil
	}
	return err == nil, err
}

// Lock takes a lock once nobody else holds it. Who waits is not served in any order.
func (m *Monitor) Lock(ctx context.Context, name string) error {
	for {
		got, err := m.TryLock(ctx, name)
		if got || err != nil {
			return err
		}
		if err := m.agreed.until(ctx, func(r *names.Registry) bool {
			_, held := r.Holder(name)
			return !held
		}); err != nil {
			return err
		}
	}
}

// Unlock gives a lock back.
func (m *Monitor) Unlock(ctx context.Context, name string) error {
	op, err := names.Unlock(m.cfg.Core, name)
	if err != nil {
		return err
	}
	return m.agreed.have(ctx, op, func(r *names.Registry) error {
		if core, held := r.Holder(name); !held || core != m.cfg.Core {
			return ErrNotHeld
		}
		return nil
	})
}

// Publish tells all cores something about a topic, this one among them. It returns once
// all that live know it.
func (m *Monitor) Publish(ctx context.Context, topic, text string) error {
	op, err := names.Publish(m.cfg.Core, topic, text)
	if err == nil {
		_, err = m.agreed.agree(ctx, op)
	}
	return err
}

// Barrier is where cores wait for each other. One goroutine at a time uses it.
type Barrier struct {
	m     *Monitor
	name  string
	lives map[int]uint64 // who takes part
	time  uint64
}

// Barrier returns a barrier of some cores, in the lives that they live now.
func (m *Monitor) Barrier(name string, cores []int) *Barrier {
	b := &Barrier{m: m, name: name, lives: map[int]uint64{}}
	now := m.Members()
	for _, c := range cores {
		if c >= 0 && c < len(now.Lives) && now.Lives[c] != 0 {
			b.lives[c] = now.Lives[c]
		}
	}
	return b
}

// Wait returns once every core of the barrier has called it as often as this one, or its
// life is over. Where it fails this core has not arrived, or has.
func (b *Barrier) Wait(ctx context.Context) error {
	a := b.m.agreed
	b.time++
	op, err := names.Arrive(a.core, b.name, b.time)
	if err != nil {
		return err
	}
	if _, err := a.agree(ctx, op); err != nil {
		return err
	}
	return a.until(ctx, func(r *names.Registry) bool {
		for core, life := range b.lives {
			if r.Arrivals(b.name, core) < b.time && b.m.members.lives(core, life) {
				return false
			}
		}
		return true
	})
}

// Names calls look with this core's replica, once it has one, and then after every change
// until look reports true. It must not keep the registry.
func (m *Monitor) Names(ctx context.Context, look func(*names.Registry) bool) error {
	return m.agreed.until(ctx, look)
}

// until returns once is reports true of the replica.
func (a *agreed) until(ctx context.Context, is func(*names.Registry) bool) error {
	return a.wait(ctx, func() bool { return is(a.state.Names) })
}

// wait returns once is, which is called with mu held, reports true, and the replica is here.
func (a *agreed) wait(ctx context.Context, is func() bool) error {
	for {
		a.mu.Lock()
		if a.ready && is() {
			a.mu.Unlock()
			return nil
		}
		if a.changed == nil {
			a.changed = make(chan struct{})
		}
		changed := a.changed
		a.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Waits after an operation was refused because another one about the same name was under
// way, which may have been refused for the same reason: they are drawn, so that one is
// first some time.
const (
	firstWait = 100 * time.Microsecond
	mostWait  = 5 * time.Millisecond
)

// have has an operation of two phases take effect. may says, of this core's replica, why it
// cannot, if so.
func (a *agreed) have(ctx context.Context, op agreement.Op, may func(*names.Registry) error) error {
	for wait := firstWait; ; wait = min(2*wait, mostWait) {
		outcome, err := a.agree(ctx, op)
		switch {
		case err != nil:
			return err
		case outcome == agreement.Committed:
			return nil
		case outcome == agreement.TooLong:
			return ErrTooLong
		}
		a.mu.Lock()
		err = may(a.state.Names)
		a.mu.Unlock()
		if err != nil {
			return err
		}
		if err := pause(ctx, rand.N(wait)); err != nil {
			return err
		}
	}
}
