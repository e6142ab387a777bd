package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"barreleye/guest"
)

// Errors of this package.
var (
	// ErrDomain: no domain of this name is defined, or none runs here.
	ErrDomain = errors.New("no such domain")
	// ErrRunning: a domain of this name runs on the core already.
	ErrRunning = errors.New("the domain runs here already")
	// ErrRoom: the core has no room for one more dispatcher.
	ErrRoom = errors.New("no room for one more dispatcher")
	// ErrOptions: no dispatcher can have such a share or priority.
	ErrOptions = errors.New("impossible options")
	// ErrEntry: the domain has no entry of this name, or none of this kind.
	ErrEntry = errors.New("no such entry")
	// ErrEnded: the domain's dispatcher has ended.
	ErrEnded = errors.New("the dispatcher has ended")
	// ErrDeadlock: the dispatcher that was called waits for the caller.
	ErrDeadlock = errors.New("the dispatcher waits for its caller")
	// ErrFault: a handler panicked.
	ErrFault = errors.New("fault")
)

// Bounds of what a domain asks for.
const (
	// DefaultShare is the share of a domain that asks for none, and that of all
	// goroutines of a core together that belong to no domain.
	DefaultShare = 100
	MaxShare     = 10_000
	MaxPriority  = 1000
	// MaxName is the longest name of a domain in bytes.
	MaxName = 32
)

// Options says how a domain stands to others on its cores. The zero value is the
// default share at priority 0.
type Options struct {
	// Share is the domain's part of a core, in proportion to the shares of others
	// there that compute at the same priority: from 1 to MaxShare, 0 for DefaultShare.
	Share int
	// Priority from 0 to MaxPriority: while a dispatcher of a higher one has
	// something to do, those of lower ones do not run.
	Priority int
}

func (o Options) check() (Options, error) {
	if o.Share == 0 {
		o.Share = DefaultShare
	}
	if o.Share < 1 || o.Share > MaxShare || o.Priority < 0 || o.Priority > MaxPriority {
		return o, fmt.Errorf("share %d, priority %d: %w: use a share from 1 to %d and a priority from 0 to %d",
			o.Share, o.Priority, ErrOptions, MaxShare, MaxPriority)
	}
	return o, nil
}

// Program is what a dispatcher runs first: it sets handlers, attaches channels,
// starts timers. An error ends the dispatcher.
type Program func(d *Dispatcher) error

// defined and domains are the programs of this image, and the domains that run on
// this core.
var (
	mu      sync.Mutex
	defined = map[string]Program{}
	domains = map[string]*Domain{}
)

// Define names a program, for Start and Span. All cores that a domain is to span
// must run an image that defines it; programs do it in an init function or first in
// main. A name is 1 to MaxName bytes; a second program of a name is a panic.
func Define(name string, p Program) {
	mu.Lock()
	defer mu.Unlock()
	if defined[name] != nil || name == "" || len(name) > MaxName {
		panic(fmt.Sprintf("dispatcher: define %q: the name is taken, empty, or longer than %d bytes", name, MaxName))
	}
	defined[name] = p
	listen()
}

// Domain is a domain as one of its cores sees it.
type Domain struct {
	name string
	home int // the core it was started on
	opt  Options
	d    *Dispatcher
	live bool // its program has returned; guarded by the package's mu

	mu      sync.Mutex
	spans   map[int]*span // by core, from home only
	leaving bool          // it spans no more
	parts   sync.WaitGroup
	ended   chan struct{} // closed once the dispatcher here and all parts that it spanned to have ended
}

// Start has a domain begin on this core. It returns when the domain's program has: its
// error, ErrDomain, ErrRunning, ErrRoom or ErrOptions.
func Start(name string, o Options) (*Domain, error) {
	o, err := o.check()
	if err == nil {
		var m *Domain
		if m, err = begin(name, guest.Core(), o); err == nil {
			return m, nil
		}
	}
	return nil, fmt.Errorf("core %d: domain %q: %w", guest.Core(), name, err)
}

// begin makes this core's part of a domain.
func begin(name string, home int, o Options) (*Domain, error) {
	m := &Domain{name: name, home: home, opt: o, spans: map[int]*span{}, ended: make(chan struct{})}
	mu.Lock()
	p := defined[name]
	if p == nil {
		known := strings.Join(slices.Sorted(maps.Keys(defined)), ", ")
		mu.Unlock()
		return nil, fmt.Errorf("%w: call dispatcher.Define first; defined here: %s", ErrDomain, known)
	}
	if domains[name] != nil {
		mu.Unlock()
		return nil, fmt.Errorf("%w: stop it first, or define a second name", ErrRunning)
	}
	m.d = newDispatcher(m)
	domains[name] = m
	mu.Unlock()
	if err := m.d.start(p); err != nil {
		return nil, err
	}
	mu.Lock()
	m.live = true
	mu.Unlock()
	return m, nil
}

// leave takes the domain out of those that run here, and ends its other parts.
func (m *Domain) leave() {
	m.mu.Lock()
	m.leaving = true
	for _, s := range m.spans {
		s.stop()
	}
	m.mu.Unlock()
	go func() {
		m.parts.Wait()
		close(m.ended)
	}()
	mu.Lock()
	defer mu.Unlock()
	delete(domains, m.name)
}

// Running returns the domains that run on this core, by name.
func Running() []*Domain {
	mu.Lock()
	defer mu.Unlock()
	var all []*Domain
	for _, m := range domains {
		if m.live {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b *Domain) int { return strings.Compare(a.name, b.name) })
	return all
}

// Lookup returns the domain of a name that runs on this core, or ErrDomain.
func Lookup(name string) (*Domain, error) {
	mu.Lock()
	defer mu.Unlock()
	if m := domains[name]; m != nil && m.live {
		return m, nil
	}
	return nil, fmt.Errorf("core %d: domain %q: %w: it is not started, or has ended", guest.Core(), name, ErrDomain)
}

// Name returns the domain's name, Home the core on which it was started.
func (m *Domain) Name() string { return m.name }
func (m *Domain) Home() int    { return m.home }

// Dispatcher returns the domain's dispatcher on this core.
func (m *Domain) Dispatcher() *Dispatcher { return m.d }

// SetOptions changes share and priority on this core.
func (m *Domain) SetOptions(o Options) error {
	o, err := o.check()
	if err != nil {
		return fmt.Errorf("domain %q: %w", m.name, err)
	}
	m.d.port.share(o)
	return nil
}

// Wait returns when the domain's dispatcher on this core has ended, and those that it
// spanned to from here: nil where it was stopped, what the one here faulted for, or the context's error.
func (m *Domain) Wait(ctx context.Context) error {
	select {
	case <-m.ended:
		<-m.d.done
		return m.d.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Stop ends the domain on this core and on those it spanned to from here, once the
// upcalls that run have returned. It does not wait.
func (m *Domain) Stop() { m.d.stop(nil) }
