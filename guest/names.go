package guest

import (
	"context"
	"errors"
	"fmt"

	"barreleye/guest/monitor"
	"barreleye/guest/monitor/names"
)

// All cores know the same names: services that cores offer, locks that they hold, barriers
// and topics. The monitors agree on each change (docs/reference/agreement.md); looking
// something up asks nobody. What a core has here it has until its life ends, however that
// ends. Waits end with their context; a core that is parked holds up every change.

// Errors of names, beside those of Listen and Dial and the context's.
var (
	// ErrTaken: another service has that name.
	ErrTaken = monitor.ErrTaken
	// ErrNotHeld: this core does not hold the lock, or does not offer the service.
	ErrNotHeld = monitor.ErrNotHeld
	// ErrLagged: some changes were dropped, because the subscriber did not take them.
	ErrLagged = monitor.ErrLagged
)

// Service is something that a core offers. Number is the life in which it does.
type Service = names.Service

// Property is something that is known of a service.
type Property = names.Property

// Change is what happened to a name.
type Change = names.Change

// Subscription has changes in the order in which this core saw them. Up to 4096 wait
// to be taken.
type Subscription = monitor.Subscription

// Barrier is where cores wait for each other.
type Barrier = monitor.Barrier

// Offer is a service that this core offers: its Listener has the channels of those who Bind.
type Offer struct {
	*Listener
	name string
}

// Export offers a service under a name that no other service has, of 1 to 40 bytes, with
// properties by which others find it. Name and properties have about 200 bytes in all.
func Export(ctx context.Context, name string, properties ...Property) (*Offer, error) {
	l, err := Listen(name)
	if err != nil {
		return nil, err
	}
	if err := core.Export(ctx, name, Life(), properties...); err != nil {
		l.Close()
		return nil, named("export", name, err)
	}
	return &Offer{l, name}, nil
}

// Withdraw ends the service. Channels that were accepted stay open.
func (o *Offer) Withdraw(ctx context.Context) error {
	err := core.Withdraw(ctx, o.name)
	o.Listener.Close()
	return named("withdraw", o.name, err)
}

func named(do, name string, err error) error {
	if err != nil {
		err = fmt.Errorf("core %d: %s %q: %w", Core(), do, name, err)
	}
	return err
}

// errLinux is why a plain process knows no names.
var errLinux = fmt.Errorf("a test on Linux has no peers: %w", errors.ErrUnsupported)

// look calls f with this core's replica, once it has one, and after each change until f
// reports true.
func look(ctx context.Context, do, name string, f func(*names.Registry) bool) error {
	if core == nil {
		return named(do, name, errLinux)
	}
	return named(do, name, core.Names(ctx, f))
}

// Lookup returns the service of a name, if there is one.
func Lookup(ctx context.Context, name string) (s Service, ok bool, err error) {
	err = look(ctx, "look up", name, func(r *names.Registry) bool {
		s, ok = r.Lookup(name)
		return true
	})
	return s, ok, err
}

// WaitService returns the service of a name, once there is one.
func WaitService(ctx context.Context, name string) (s Service, err error) {
	err = look(ctx, "wait for", name, func(r *names.Registry) (ok bool) {
		s, ok = r.Lookup(name)
		return ok
	})
	return s, err
}

// Find returns the services that have all of these properties, by name.
func Find(ctx context.Context, properties ...Property) (list []Service, err error) {
	err = look(ctx, "find", fmt.Sprint(properties), func(r *names.Registry) bool {
		list = r.Find(properties...)
		return true
	})
	return list, err
}

// Bind opens a channel to the service of a name on another core, once there is one. A
// service that ends meanwhile is waited for again.
func Bind(ctx context.Context, name string, opt ChannelOptions) (*Conn, error) {
	for {
		s, err := WaitService(ctx, name)
		if err != nil {
			return nil, err
		}
		c, err := Dial(ctx, s.Core, name, opt)
		if !errors.Is(err, ErrGone) && !errors.Is(err, ErrStopping) {
			return c, err
		}
		if err := look(ctx, "bind", name, func(r *names.Registry) bool {
			now, ok := r.Lookup(name)
			return !ok || now.Core != s.Core || now.Number != s.Number
		}); err != nil {
			return nil, err
		}
	}
}

// WatchNames returns what happens from now on to services, locks and barriers whose names
// begin with prefix.
func WatchNames(prefix string) (*Subscription, error) {
	return follow("watch", prefix, func(c *Change) bool {
		return c.Event != names.Published && len(c.Name) >= len(prefix) && c.Name[:len(prefix)] == prefix
	})
}

// Subscribe returns what is published on a topic from now on.
func Subscribe(topic string) (*Subscription, error) {
	return follow("subscribe to", topic, func(c *Change) bool { return c.Event == names.Published && c.Name == topic })
}

func follow(do, name string, want func(*Change) bool) (*Subscription, error) {
	if core == nil {
		return nil, named(do, name, errLinux)
	}
	return core.Follow(want), nil
}

// Publish tells everybody who has subscribed to a topic. It returns once all cores that
// live know it. Topic and text have about 230 bytes in all.
func Publish(ctx context.Context, topic, text string) error {
	if core == nil {
		return named("publish on", topic, errLinux)
	}
	return named("publish on", topic, core.Publish(ctx, topic, text))
}

// Lock takes a lock for this core once nobody holds it, this core included. Those who wait
// are not served in any order.
func Lock(ctx context.Context, name string) error {
	if core == nil {
		return named("lock", name, errLinux)
	}
	return named("lock", name, core.Lock(ctx, name))
}

// TryLock takes a lock that nobody holds, and reports whether it did.
func TryLock(ctx context.Context, name string) (bool, error) {
	if core == nil {
		return false, named("lock", name, errLinux)
	}
	ok, err := core.TryLock(ctx, name)
	return ok, named("lock", name, err)
}

// Unlock gives a lock back.
func Unlock(ctx context.Context, name string) error {
	if core == nil {
		return named("unlock", name, errLinux)
	}
	return named("unlock", name, core.Unlock(ctx, name))
}

// Holder returns the core that holds a lock.
func Holder(ctx context.Context, lock string) (holder int, held bool, err error) {
	err = look(ctx, "holder of", lock, func(r *names.Registry) bool {
		holder, held = r.Holder(lock)
		return true
	})
	return holder, held, err
}

// NewBarrier returns a barrier of those of the given cores that live, in the lives that they
// live now. Its Wait returns once each has called it as often, or its life is over. A core
// makes one barrier of a name in its life.
func NewBarrier(name string, cores []int) (*Barrier, error) {
	if core == nil {
		return nil, named("barrier", name, errLinux)
	}
	return core.Barrier(name, cores), nil
}
