package dispatcher

import (
	"fmt"

	"barreleye/guest/cpudriver"
)

// Message is what a local call carries each way: four words. They travel in registers.
type Message = cpudriver.Message

// Handler answers a local call.
type Handler func(m Message) Message

// Entry is a handler of a dispatcher as callers on its core see it.
type Entry struct {
	d        *Dispatcher
	name     string
	index    uint64 // in d.handlers
	driver   uint64 // the dispatcher's name in the CPU driver, 0 where there is none
	h        Handler
	migrates bool
	served   *served // where it is one of Serve's
}

// Handle sets an entry, for HandOver. It is one of the dispatcher's upcalls.
func (d *Dispatcher) Handle(name string, h Handler) { d.handle(&Entry{name: name, h: h}) }

// HandleMigrating sets an entry for Migrate as well: callers run it themselves, while
// upcalls of the dispatcher and other callers may run, so it has to look after itself
// as any function does that several goroutines call.
func (d *Dispatcher) HandleMigrating(name string, h Handler) {
	d.handle(&Entry{name: name, h: h, migrates: true})
}

func (d *Dispatcher) handle(e *Entry) {
	e.d, e.index, e.driver = d, uint64(len(d.handlers)), d.port.driverName()
	d.handlers = append(d.handlers, e)
	d.mu.Lock()
	d.entries[e.name] = e
	d.mu.Unlock()
}

// Entry returns an entry of the domain on this core, for any goroutine here. It is
// good until the dispatcher ends.
func (m *Domain) Entry(name string) (*Entry, error) {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	if e := m.d.entries[name]; e != nil {
		return e, nil
	}
	return nil, fmt.Errorf("domain %q: entry %q: %w: its program sets none of this name", m.name, name, ErrEntry)
}

// HandOver calls the dispatcher: the core goes to its thread at once, with the
// message, and comes back with the answer. It runs on the caller's share. Where the
// dispatcher is at another upcall the caller waits for its turn. Errors are
// ErrEnded, with which the handler may have run or not; ErrFault, where it panicked; and
// ErrDeadlock. It does not allocate.
func (e *Entry) HandOver(m Message) (Message, error) {
	var status uint64
	if e.driver != 0 {
		m, status = cpudriver.HandOver(e.driver, e.index, m)
	} else {
		m, status = e.d.port.call(e.index, m)
	}
	if status == 0 {
		return m, nil
	}
	return m, e.problem(status)
}

// Status of an answer beside the CPU driver's.
const (
	statusFault = 1
	statusEntry = 2
)

// problem is the error that a call ended with.
func (e *Entry) problem(status uint64) error {
	err := ErrEnded
	switch status {
	case statusFault:
		err = ErrFault
	case statusEntry:
		err = ErrEntry
	case cpudriver.Deadlock:
		err = ErrDeadlock
	}
	return fmt.Errorf("call of domain %q, entry %q: %w", e.d.domain.name, e.name, err)
}

// serve answers a call that was handed over.
func (d *Dispatcher) serve(index uint64, m Message) (Message, uint64) {
	if index >= uint64(len(d.handlers)) {
		return m, statusEntry
	}
	answer, fault := d.handlers[index].run(m)
	if fault != nil {
		d.report(fault)
		return Message{}, statusFault
	}
	return answer, 0
}

// run runs the handler.
func (e *Entry) run(m Message) (answer Message, fault *Fault) {
	defer func() {
		if v := recover(); v != nil {
			fault = e.d.caught(v)
		}
	}()
	return e.h(m), nil
}

// Migrate calls the domain by running its handler here, in the caller's goroutine and
// on its share: nothing but a check that the domain is there stands between. Errors are those
// of HandOver without ErrDeadlock, and ErrEntry where the entry is not for it. A panic of
// the handler is the domain's fault, not the caller's. It does not allocate.
func (e *Entry) Migrate(m Message) (Message, error) {
	if !e.migrates || e.d.over.Load() {
		return m, e.refusal()
	}
	answer, fault := e.run(m)
	if fault != nil {
		e.d.Post(func() { e.d.report(fault) })
		return answer, e.problem(statusFault)
	}
	return answer, nil
}

func (e *Entry) refusal() error {
	if !e.migrates {
		return fmt.Errorf("call of domain %q, entry %q: %w: set it with HandleMigrating, or use HandOver", e.d.domain.name, e.name, ErrEntry)
	}
	return e.problem(cpudriver.Gone)
}
