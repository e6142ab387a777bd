package monitor

import (
	"context"
	"errors"
	"testing"

	"barreleye/devices/region"
	"barreleye/guest/monitor/bind"
	"barreleye/guest/monitor/caps"
)

// DialCap dials as package guest does.
func (c *testCore) DialCap(ctx context.Context, r caps.Ref, request bind.Request) (Opened, error) {
	core, service, err := c.AtEndpoint(r)
	if err != nil {
		return Opened{}, err
	}
	request.Service = service
	return c.Dial(ctx, core, request)
}

// TestEndpoint: who has an endpoint opens channels to its listener, also who got it from another
// core a moment ago, and nobody else does.
func TestEndpoint(t *testing.T) {
	k := newKernel(t, 3)
	ctx := limited(t)
	a, b, c := k.cores[0], k.cores[1], k.cores[2]
	if err := errors.Join(b.TakePart(ctx), c.TakePart(ctx)); err != nil {
		t.Fatal(err)
	}
	l := ok[*Listener](t)(a.Listen("service", region.ProfileLatency))
	end := ok[caps.Ref](t)(a.Endpoint(ctx, l))
	_, what, err := a.Cap(end)
	if err != nil || what.Type != caps.Endpoint || what.Rights != caps.All {
		t.Fatalf("%+v, %v", what, err)
	}
	request := bind.Request{Lines: 16, PeerLines: 16, Profile: region.ProfileLatency}
	guessed := request
	guessed.Service, guessed.Wait = serviceOf(what.Base), true
	if _, err := b.Dial(ctx, 0, guessed); !errors.Is(err, bind.ErrService) {
		t.Errorf("dialed by who has no capability: %v", err)
	}
	if err := a.Send(ctx, end, 1, caps.Grant); err != nil {
		t.Fatal(err)
	}
	got := ok[Arrival](t)(b.Receive(ctx)).Ref
	for range 50 { // whichever of the cores hears of it last
		if err := b.Send(ctx, got, 2, caps.Grant); err != nil {
			t.Fatal(err)
		}
		third := ok[Arrival](t)(c.Receive(ctx)).Ref
		o := ok[Opened](t)(c.DialCap(ctx, third, request))
		c.Monitor.Close(o.ID)
		accepted := ok[Opened](t)(l.Accept(ctx))
		a.Monitor.Close(accepted.ID)
		if accepted.Peer != 2 || o.Peer != 0 {
			t.Fatalf("a channel of core %d with core %d", accepted.Peer, o.Peer)
		}
		if err := c.Delete(ctx, third); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Dial(ctx, 0, guessed); !errors.Is(err, bind.ErrService) {
		t.Errorf("dialed by who has deleted it: %v", err)
	}
	if _, err := b.Retype(ctx, got, caps.Endpoint, 0, 1, 1); !errors.Is(err, caps.ErrRights) && !errors.Is(err, caps.ErrType) {
		t.Errorf("cut: %v", err)
	}
	ram := ok[caps.Ref](t)(b.TakeRAM(ctx, caps.PageSize))
	if _, err := b.DialCap(ctx, ram, request); !errors.Is(err, caps.ErrType) {
		t.Errorf("dialed memory: %v", err)
	}

	o := ok[Opened](t)(b.DialCap(ctx, got, request))
	if err := a.Revoke(ctx, end); err != nil {
		t.Fatal(err)
	}
	if _, err := b.DialCap(ctx, got, request); !errors.Is(err, caps.ErrGone) {
		t.Errorf("dialed what was revoked: %v", err)
	}
	if _, err := b.Dial(ctx, 0, guessed); !errors.Is(err, bind.ErrService) {
		t.Errorf("dialed what was revoked, by its name: %v", err)
	}
	if _, open := b.channels.lookup(o.ID); !open {
		t.Error("the revocation has closed a channel")
	}
	if err := a.Delete(ctx, end); err != nil {
		t.Fatal(err)
	}
	if n := len(a.channels.listeners); n != 1 || len(l.services) != 1 {
		t.Errorf("%d services, %q, after nobody has the endpoint", n, l.services)
	}
}

// TestEndpointEnds: an endpoint ends with its listener, and with that core's life.
func TestEndpointEnds(t *testing.T) {
	k := newKernel(t, 3)
	ctx := limited(t)
	a, b := k.cores[0], k.cores[1]
	if err := b.TakePart(ctx); err != nil {
		t.Fatal(err)
	}
	request := bind.Request{Lines: 16, PeerLines: 16, Profile: region.ProfileLatency}
	var got [2]caps.Ref
	var listeners [2]*Listener
	for i, name := range []string{"one", "two"} {
		listeners[i] = ok[*Listener](t)(a.Listen(name, region.ProfileLatency))
		if err := a.Move(ctx, ok[caps.Ref](t)(a.Endpoint(ctx, listeners[i])), 1, caps.All); err != nil {
			t.Fatal(err)
		}
		got[i] = ok[Arrival](t)(b.Receive(ctx)).Ref
	}
	listeners[0].Close()
	if _, err := b.DialCap(ctx, got[0], request); !errors.Is(err, bind.ErrService) {
		t.Errorf("the listener is closed: %v", err)
	}
	if _, err := a.Endpoint(ctx, listeners[0]); !errors.Is(err, ErrListener) {
		t.Errorf("the listener is closed: %v", err)
	}
	ok[Opened](t)(b.DialCap(ctx, got[1], request))
	k.kill(0)
	if err := b.agreed.wait(ctx, func() bool { return !b.caps.ledger().Entered(0) }); err != nil {
		t.Fatal(err)
	}
	if _, err := b.DialCap(ctx, got[1], request); !errors.Is(err, bind.ErrGone) {
		t.Errorf("the core has died: %v", err)
	}
	next := k.restart(0)
	ok[*Listener](t)(next.Listen("two", region.ProfileLatency))
	if err := next.TakePart(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := b.DialCap(ctx, got[1], request); !errors.Is(err, bind.ErrGone) {
		t.Errorf("it is of a former life: %v", err)
	}
	if err := errors.Join(b.Delete(ctx, got[0]), b.Delete(ctx, got[1])); err != nil {
		t.Error(err)
	}
	if list := b.held(); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}
