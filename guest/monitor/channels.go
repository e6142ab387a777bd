package monitor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"barreleye/devices/region"
	"barreleye/guest/monitor/bind"
	"barreleye/urpc"
	"barreleye/urpc/trace"
)

// ErrListener says that a listener was closed.
var ErrListener = errors.New("the listener is closed")

// Memory is what opening and closing channels does to the shared region: to what this
// core alone writes.
type Memory interface {
	Zero(peer, page, pages int)             // in the pool towards peer
	Publish(peer, slot int, e region.Entry) // in the directory towards peer
	Clear(peer, slot int, e region.Entry)   // the ends on e, if there were any, are closed
	HangUp(peer int, e region.Entry)        // closes the side of e in place of an end
}

// Opened is an open channel.
type Opened struct {
	ID    bind.ID
	Peer  int
	Life  uint64 // the peer's
	Entry region.Entry
}

// channels wires the protocol of package bind to the monitors' channels.
type channels struct {
	memory Memory
	closed func(peer int) // a channel with a peer is not open any more; mu is not held

	mu        *sync.Mutex // the monitor's
	out       []*outbox   // by peer
	machine   *bind.Machine
	dials     map[bind.ID]chan error
	listeners map[string]*Listener
	endpoints *capabilities // which say who may dial those
}

func newChannels(mu *sync.Mutex, geometry region.Geometry, memory Memory) *channels {
	return &channels{
		mu: mu, memory: memory, out: make([]*outbox, geometry.Cores), machine: bind.New(geometry),
		dials: map[bind.ID]chan error{}, listeners: map[string]*Listener{},
	}
}

// perform does what the machine says, with mu held.
func (c *channels) perform(actions []bind.Action) {
	for i := range actions {
		a := &actions[i]
		switch a.Kind {
		case bind.ActZero:
			c.memory.Zero(a.Peer, a.Page, a.Pages)
		case bind.ActPublish:
			trace.Event(trace.Bind, trace.BindOpen|uint64(a.Peer)<<8, uint64(a.Slot))
			c.memory.Publish(a.Peer, a.Slot, a.Entry)
		case bind.ActClear:
			trace.Event(trace.Bind, trace.BindClose|uint64(a.Peer)<<8, uint64(a.Slot))
			c.memory.Clear(a.Peer, a.Slot, a.Entry)
		case bind.ActHangUp:
			c.memory.HangUp(a.Peer, a.Entry)
		case bind.ActSend:
			c.out[a.Peer].put(&a.Line)
		case bind.ActDialed:
			if ended, ok := c.dials[a.ID]; ok {
				ended <- a.Err
			}
		case bind.ActOffered:
			c.listeners[a.Service].offer(a.ID)
		}
	}
}

// receive takes a line from a peer's monitor, with mu held.
func (c *channels) receive(core, peer int, l *urpc.Message) {
	take := c.machine.Receive
	if number, ok := endpointOf(bind.Requested(l)); ok && !c.endpoints.mayDial(peer, number) {
		take = c.machine.Refuse
	}
	actions, err := take(peer, l)
	c.perform(actions)
	if err != nil {
		fmt.Fprintf(os.Stderr, "monitor: core %d: core %d: %v: no channels are opened with it any more\n", core, peer, err)
	}
}

// begin says that a peer lives, whose monitor hears what is put into out.
func (c *channels) begin(peer int, life, own uint64, out *outbox) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out[peer] = out
	c.machine.Begin(peer, life, own)
}

// gone says that a peer's life has ended.
func (c *channels) gone(peer int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.perform(c.machine.Gone(peer))
}

// offered returns the channels with a peer that nobody has accepted yet.
func (c *channels) offered(peer int) (list []Opened) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.listeners {
		for _, id := range l.list {
			if o := c.opened(id); o.Peer == peer {
				list = append(list, o)
			}
		}
	}
	return list
}

// opened returns an open channel, with mu held.
func (c *channels) opened(id bind.ID) Opened {
	peer, life, e := c.machine.Channel(id)
	return Opened{id, peer, life, e}
}

// lookup returns an open channel by this core's name for it.
func (c *channels) lookup(id bind.ID) (o Opened, open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o = c.opened(id)
	return o, o.Life != 0
}

// over reports whether the channel may be open over which a peer announces a capability by a
// tag; mu is held.
func (c *channels) over(peer int, tag uint64) bool {
	return c.machine.Any(peer, func(e *region.Entry, open bool) bool { return !open || over(tag, e) })
}

// Dial opens a channel to a peer. Errors are those of package bind and the context's.
func (m *Monitor) Dial(ctx context.Context, peer int, r bind.Request) (Opened, error) {
	c := m.channels
	ended := make(chan error, 1)
	c.mu.Lock()
	id, actions, err := c.machine.Dial(peer, r)
	if err != nil {
		c.mu.Unlock()
		return Opened{}, err
	}
	c.dials[id] = ended
	c.perform(actions)
	m.ears.await(func() bool { return len(ended) > 0 })
	c.mu.Unlock()
	select {
	case err = <-ended:
	case <-ctx.Done():
		err = ctx.Err()
	}
	o, err := c.dialed(id, err)
	if err != nil {
		c.closed(peer)
	}
	return o, err
}

// dialed ends a dial.
func (c *channels) dialed(id bind.ID, err error) (Opened, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.dials, id)
	if err != nil {
		c.perform(c.machine.GiveUp(id)) // nothing where it was refused
		return Opened{}, err
	}
	return c.opened(id), nil
}

// RefuseDials has all requests for channels to this core refused from now on.
func (m *Monitor) RefuseDials() {
	c := m.channels
	c.mu.Lock()
	defer c.mu.Unlock()
	c.perform(c.machine.Stop())
}

// Close says that the ends of an open channel on this core are closed, and that
// nothing here touches it any more.
func (m *Monitor) Close(id bind.ID) {
	c := m.channels
	c.mu.Lock()
	peer := c.opened(id).Peer
	c.perform(c.machine.Close(id))
	c.mu.Unlock()
	c.closed(peer)
}

// Listener has the channels that peers dial to a service of this core.
type Listener struct {
	c        *channels
	services []string // its own, and its endpoints
	profile  int
	ready    chan struct{} // of one: there are channels
	closed   chan struct{}
	list     []bind.ID // not accepted yet; guarded by c.mu
}

// Listen has requests for a service accepted. Errors are those of package bind.
func (m *Monitor) Listen(service string, profile int) (*Listener, error) {
	c := m.channels
	l := &Listener{c: c, profile: profile, ready: make(chan struct{}, 1), closed: make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := l.listen(service); err != nil {
		return nil, err
	}
	return l, nil
}

// listen has it listen for one more service, with mu held.
func (l *Listener) listen(service string) error {
	actions, err := l.c.machine.Listen(service, l.profile)
	if err != nil {
		return err
	}
	l.services = append(l.services, service)
	l.c.listeners[service] = l
	l.c.perform(actions)
	return nil
}

// offer puts a channel into the list, with mu held.
func (l *Listener) offer(id bind.ID) {
	l.list = append(l.list, id)
	l.tell()
}

// tell says that there are channels.
func (l *Listener) tell() {
	select {
	case l.ready <- struct{}{}:
	default: // it has been said already
	}
}

// Accept returns the next channel. Errors are ErrListener and the context's.
func (l *Listener) Accept(ctx context.Context) (Opened, error) {
	for {
		select {
		case <-l.closed:
			return Opened{}, ErrListener
		default:
		}
		if o, ok := l.take(); ok {
			return o, nil
		}
		select {
		case <-l.ready:
		case <-l.closed:
			return Opened{}, ErrListener
		case <-ctx.Done():
			return Opened{}, ctx.Err()
		}
	}
}

func (l *Listener) take() (o Opened, ok bool) {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	if len(l.list) == 0 {
		return o, false
	}
	o = l.c.opened(l.list[0])
	if l.list = slices.Delete(l.list, 0, 1); len(l.list) > 0 {
		l.tell() // others may wait too
	}
	return o, true
}

// unlisten has nobody listen for a service, with mu held.
func (c *channels) unlisten(service string) {
	c.machine.Unlisten(service)
	delete(c.listeners, service)
}

// Close ends the listening, and the channels that nobody has accepted.
func (l *Listener) Close() {
	for _, peer := range l.close() {
		l.c.closed(peer)
	}
}

// close ends it, and returns the peers of the channels that it gives up.
func (l *Listener) close() (peers []int) {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	select {
	case <-l.closed:
		return nil
	default:
	}
	close(l.closed)
	for _, service := range l.services {
		l.c.unlisten(service)
	}
	for _, id := range l.list {
		peers = append(peers, l.c.opened(id).Peer)
		l.c.perform(l.c.machine.GiveUp(id))
	}
	l.list = nil
	return peers
}
