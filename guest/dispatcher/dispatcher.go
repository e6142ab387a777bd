package dispatcher

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Dispatcher is a domain's event loop on one core. But for Post, Go and Ran its methods
// are for its own upcalls and its Program.
type Dispatcher struct {
	domain *Domain
	port   port
	done   chan struct{} // closed at its end
	over   atomic.Bool   // no more calls
	err    error         // why it ended; read after done

	mu       sync.Mutex
	posts    []func() // to be run
	entries  map[string]*Entry
	stopping bool
	reason   error // for which it stops

	handlers []*Entry // by index
	faults   func(*Fault) bool
	timers   timers
	channels channels
	running  []func() // posts that are being run
}

func newDispatcher(m *Domain) *Dispatcher {
	return &Dispatcher{domain: m, done: make(chan struct{}), entries: map[string]*Entry{}}
}

// Domain returns the domain that this is a dispatcher of.
func (d *Dispatcher) Domain() *Domain { return d.domain }

// start has the loop run, and returns when p has.
func (d *Dispatcher) start(p Program) error {
	began := make(chan error, 1)
	reserve(1)
	go d.loop(p, began)
	err := <-began
	if err != nil {
		<-d.done
	}
	return err
}

// loop is the dispatcher.
func (d *Dispatcher) loop(p Program, began chan<- error) {
	runtime.LockOSThread() // for good: the thread ends with the loop
	debug.SetPanicOnFault(true)
	defer release(1)
	var err error
	if d.port, err = newPort(d.domain.opt); err != nil {
		d.domain.leave()
		close(d.done)
		began <- err
		return
	}
	defer d.end() // also where a handler calls runtime.Goexit
	d.protect(func() { err = p(d) })
	if err == nil {
		err = d.reasonToStop()
	}
	if err != nil {
		d.stop(err)
	}
	began <- err
	for u := d.port.receive(d.untilTimer()); ; {
		switch u.kind {
		case upcallMessage:
			answer, status := d.serve(u.about, u.m)
			if d.timers.due() {
				d.timers.run(d)
			}
			if d.stops() {
				d.port.last(status, answer)
				return
			}
			u = d.port.reply(status, answer, d.untilTimer())
			continue
		case upcallRun:
			d.runPosts()
			d.channels.run(d)
		}
		d.timers.run(d)
		if d.stops() {
			return
		}
		u = d.port.receive(d.untilTimer())
	}
}

// end is the dispatcher's end, for whatever reason.
func (d *Dispatcher) end() {
	d.over.Store(true)
	d.domain.leave()
	d.channels.close()
	d.port.end()
	d.mu.Lock()
	d.stopping = true
	d.err = d.reason
	d.posts = nil
	d.mu.Unlock()
	close(d.done)
}

// Post has f run as an upcall of the dispatcher. Any goroutine may post; functions run in
// their order. False where the dispatcher ends.
func (d *Dispatcher) Post(f func()) bool {
	d.mu.Lock()
	first := len(d.posts) == 0
	ok := !d.stopping
	if ok {
		d.posts = append(d.posts, f)
	}
	d.mu.Unlock()
	if ok && first {
		d.port.kick()
	}
	return ok
}

// runPosts runs what was posted before.
func (d *Dispatcher) runPosts() {
	d.mu.Lock()
	d.running, d.posts = d.posts, d.running[:0]
	d.mu.Unlock()
	for i, f := range d.running {
		d.protect(f)
		d.running[i] = nil
	}
}

// stop has the dispatcher end after the upcall that runs, for a reason.
func (d *Dispatcher) stop(reason error) {
	d.mu.Lock()
	first := !d.stopping
	if first {
		d.stopping, d.reason = true, reason
	}
	d.mu.Unlock()
	if first {
		d.over.Store(true)
		d.port.kick()
	}
}

func (d *Dispatcher) stops() bool { return d.over.Load() }

func (d *Dispatcher) reasonToStop() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reason
}

// Go runs f in a goroutine of the domain: it runs on the dispatcher's share, beside
// the dispatcher, and a panic in it is a fault of the domain. Goroutines that f starts
// by a go statement belong to no domain.
func (d *Dispatcher) Go(f func()) {
	reserve(1)
	go func() {
		defer release(1)
		runtime.LockOSThread() // for good
		debug.SetPanicOnFault(true)
		if !d.port.join() {
			return // it has ended
		}
		if fault := d.catch(f); fault != nil {
			d.Post(func() { d.report(fault) })
		}
	}()
}

// Ran returns for how long the dispatcher and its goroutines have run. Where Linux
// divides the core it is what Linux says of the dispatcher's thread.
func (d *Dispatcher) Ran() time.Duration { return d.port.ran() }

func (d *Dispatcher) String() string { return fmt.Sprintf("domain %q", d.domain.name) }
