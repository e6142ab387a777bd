package dispatcher

import (
	"context"
	"fmt"
	"sync"

	"barreleye/urpc/rpc"
)

// Services that stubgen writes, between domains of a core: the client half calls a
// Conn of this file as it does one that leads to another core, and the method runs as an
// upcall of the dispatcher, handed over. Arguments and results are copied as there; what
// is handed over is the number of a request.

// served is a set of services under a name.
type served struct {
	entry    *Entry
	services []rpc.Service

	mu       sync.Mutex
	requests []*request
	free     []uint64
}

// request is a call under way.
type request struct {
	ctx       context.Context
	service   rpc.Service
	method    uint16
	args, out []byte
	err       error
}

// Serve has the methods of services answered as upcalls of the dispatcher, under the
// name of an entry, for Domain.Client. Methods run one at a time, those that are marked
// concurrent too: one that waits holds up the dispatcher.
func (d *Dispatcher) Serve(name string, services ...rpc.Service) {
	s := &served{services: services}
	s.entry = &Entry{name: name, served: s, h: func(m Message) Message {
		r := s.request(m.W0)
		r.out, r.err = r.service.Serve(r.ctx, r.method, r.args, r.out)
		return m
	}}
	d.handle(s.entry)
}

// Client returns what calls the services that the domain serves on this core under a
// name. Its errors are those of rpc.Local and ErrEntry; calls have those of HandOver as
// text of an *rpc.Error. Any number of goroutines may use it.
func (m *Domain) Client(name string) (*rpc.Conn, error) {
	e, err := m.Entry(name)
	if err != nil {
		return nil, err
	}
	if e.served == nil {
		return nil, fmt.Errorf("domain %q: entry %q: %w: set it by Serve, or call it by HandOver", m.name, name, ErrEntry)
	}
	var cfg rpc.Config
	for _, service := range e.served.services {
		cfg.Services = append(cfg.Services, &handed{e.served, service})
	}
	return rpc.Local(cfg)
}

// handed is a service whose methods the dispatcher runs.
type handed struct {
	served  *served
	service rpc.Service
}

// Methods implements rpc.Service. The dispatcher takes calls one by one: rpc need not.
func (h *handed) Methods() []rpc.Method {
	methods := append([]rpc.Method(nil), h.service.Methods()...)
	for i := range methods {
		methods[i].Concurrent = true
	}
	return methods
}

// Serve implements rpc.Service.
func (h *handed) Serve(ctx context.Context, method uint16, args, out []byte) ([]byte, error) {
	s := h.served
	n, r := s.take()
	defer s.put(n)
	r.ctx, r.service, r.method, r.args, r.out = ctx, h.service, method, args, out
	if _, err := s.entry.HandOver(Message{W0: n}); err != nil {
		return nil, err
	}
	return r.out, r.err
}

func (s *served) take() (uint64, *request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.free) == 0 {
		s.free = append(s.free, uint64(len(s.requests)))
		s.requests = append(s.requests, &request{})
	}
	n := s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	return n, s.requests[n]
}

func (s *served) put(n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*s.requests[n] = request{}
	s.free = append(s.free, n)
}

func (s *served) request(n uint64) *request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[n]
}
