package monitor

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/bind"
	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
)

// An endpoint is the right to open channels to a listener, without its name. Its number is
// in the ledger, which says who holds it. A dialer asks the listener's core for a service that is
// named by the number, and that core's monitor looks into the ledger: whoever asks without
// holding it gets the answer of a service for which nobody listens. So a revocation that has
// returned keeps out whoever had it; channels that are open stay.

// endpointService begins the name of the service of an endpoint; the number follows.
const endpointService = "\x00endpoint "

func serviceOf(number uint64) string { return endpointService + strconv.FormatUint(number, 10) }

// endpointOf returns the number of the endpoint that a service is.
func endpointOf(service string) (number uint64, ok bool) {
	rest, ok := strings.CutPrefix(service, endpointService)
	number, err := strconv.ParseUint(rest, 10, 64)
	return number, ok && err == nil
}

// Endpoint returns a capability to a new endpoint of the listener, with all rights. It fails
// with ErrListener and the context's errors.
func (m *Monitor) Endpoint(ctx context.Context, l *Listener) (caps.Ref, error) {
	c := m.caps
	w := &taking{making: making{c: c}, take: func() (agreement.Op, error) { return c.ledger().Offer() }}
	if err := c.commit(ctx, w); err != nil {
		return 0, err
	}
	r := w.refs[0]
	if err := l.also(serviceOf(uint64(w.first))); err != nil {
		if id, done, mine, _ := c.delete(r); mine {
			go c.drop(id, done)
		}
		return 0, err
	}
	return r, nil
}

// also has a listener listen for one more service, unless it is closed.
func (l *Listener) also(service string) error {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	select {
	case <-l.closed:
		return ErrListener
	default:
	}
	return l.listen(service)
}

// unlisten ends that for an endpoint that nobody has any more, with mu held.
func (c *capabilities) unlisten(number uint64) {
	h, service := c.a.monitor.channels, serviceOf(number)
	if l := h.listeners[service]; l != nil {
		h.unlisten(service)
		l.services = slices.DeleteFunc(l.services, func(s string) bool { return s == service })
	}
}

// AtEndpoint returns the core and the service that Dial is to be called with for the endpoint
// that r names. It fails with caps.ErrGone, caps.ErrType, and bind.ErrGone where that core's
// life is over.
func (m *Monitor) AtEndpoint(r caps.Ref) (core int, service string, err error) {
	c := m.caps
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	t, err := c.target(r)
	if err != nil {
		return 0, "", err
	}
	if t.Type != caps.Endpoint || t.entry == 0 {
		return 0, "", fmt.Errorf("%v: no endpoint of a listener: %w", t.Extent, caps.ErrType)
	}
	core, lives := c.ledger().Endpoint(t.Base)
	if !lives {
		return 0, "", fmt.Errorf("%v of core %d: %w", t.Extent, core, bind.ErrGone)
	}
	return core, serviceOf(t.Base), nil
}

// mayDial reports whether a core holds an endpoint, with mu held.
func (c *capabilities) mayDial(core int, number uint64) bool {
	return c.ledger().MayUse(ledger.ID(number), core)
}
