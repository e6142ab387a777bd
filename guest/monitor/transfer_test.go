package monitor

import (
	"errors"
	"testing"

	"barreleye/devices/region"
	"barreleye/guest/monitor/bind"
	"barreleye/guest/monitor/caps"
)

// TestUnaccepted: what nobody accepted goes with its sender.
func TestUnaccepted(t *testing.T) {
	k := newKernel(t, 2)
	ctx := limited(t)
	a, b := k.cores[0], k.cores[1]
	if err := a.TakePart(ctx); err != nil {
		t.Fatal(err)
	}
	ram := ok[caps.Ref](t)(b.TakeRAM(ctx, caps.PageSize))
	if err := b.Send(ctx, ram, 0, caps.All); err != nil {
		t.Fatal(err)
	}
	k.kill(1)
	if err := a.agreed.wait(ctx, func() bool { return a.unused() == sharedRAM.Size }); err != nil {
		t.Fatal(err)
	}
	if len(a.caps.arrived) != 0 {
		t.Errorf("%+v", a.caps.arrived)
	}
}

// TestCapsOverChannel: what is announced on a channel is accepted there alone and once, and
// goes where the channel is closed before.
func TestCapsOverChannel(t *testing.T) {
	k := newKernel(t, 2)
	ctx := limited(t)
	a, b := k.cores[0], k.cores[1]
	l := ok[*Listener](t)(b.Listen("service", region.ProfileLatency))
	request := bind.Request{Service: "service", Lines: 16, PeerLines: 16, Profile: region.ProfileLatency}
	var here, there []Opened
	for range 2 {
		here = append(here, ok[Opened](t)(a.Dial(ctx, 1, request)))
		there = append(there, ok[Opened](t)(l.Accept(ctx)))
	}
	if err := b.TakePart(ctx); err != nil {
		t.Fatal(err)
	}
	ram := ok[caps.Ref](t)(a.TakeRAM(ctx, caps.PageSize))
	one := ok[uint64](t)(a.SendOver(ctx, ram, here[0].ID, caps.Read))
	two := ok[uint64](t)(a.SendOver(ctx, ram, here[1].ID, caps.Read|caps.Write))
	if _, err := b.Accept(there[1].ID, one); !errors.Is(err, caps.ErrGone) {
		t.Errorf("accepted on another channel: %v", err)
	}
	got := ok[caps.Ref](t)(b.Accept(there[0].ID, one))
	if _, err := b.Accept(there[0].ID, one); !errors.Is(err, caps.ErrGone) {
		t.Errorf("accepted twice: %v", err)
	}
	if _, c, err := b.Cap(got); err != nil || c.Rights != caps.Read {
		t.Errorf("%+v, %v", c, err)
	}
	if _, c, err := b.Cap(ok[caps.Ref](t)(b.Accept(there[1].ID, two))); err != nil || c.Rights != caps.Read|caps.Write {
		t.Errorf("%+v, %v", c, err)
	}
	late := ok[uint64](t)(a.SendOver(ctx, ram, here[1].ID, caps.Read))
	b.Monitor.Close(there[1].ID)
	if _, err := b.Accept(there[1].ID, late); !errors.Is(err, caps.ErrGone) || len(b.caps.arrived) != 0 {
		t.Errorf("accepted on a channel that is closed: %v; %+v", err, b.caps.arrived)
	}
	later := ok[uint64](t)(a.SendOver(ctx, ram, here[1].ID, caps.Read))
	if _, err := b.Accept(there[1].ID, later); !errors.Is(err, caps.ErrGone) || len(b.caps.arrived) != 0 {
		t.Errorf("sent over a channel that is closed: %v; %+v", err, b.caps.arrived)
	}
	a.Monitor.Close(here[0].ID)
	if _, err := a.SendOver(ctx, ram, here[0].ID, caps.Read); !errors.Is(err, bind.ErrGone) {
		t.Error(err)
	}
}
