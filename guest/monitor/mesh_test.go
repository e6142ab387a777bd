package monitor

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"

	"barreleye/devices/region"
	"barreleye/guest/monitor/bind"
	"barreleye/guest/monitor/routes"
	"barreleye/urpc"
)

// TestChannelsOnDemand: in a tree, cores that are no neighbours have a channel once one of
// them has something for the other, also where the other one has returned, or those on the
// way are dead.
func TestChannelsOnDemand(t *testing.T) {
	const n = 7 // 0 above 1 and 2, 1 above 3 and 4, 2 above 5 and 6
	k := newKernelOver(t, n, routes.Balanced(n))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, c := range k.cores {
		if err := c.WaitPeers(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []int{2, 3, 3, 1, 1, 1, 1} {
		if got := k.cores[i].connected(); got != want {
			t.Errorf("core %d has %d channels at the start, want %d", i, got, want)
		}
	}
	dial := func(from, to *testCore) {
		t.Helper()
		l, err := to.Listen("service", 0)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		o, err := from.Dial(ctx, to.core, bind.Request{Service: "service", Lines: 16, PeerLines: 16})
		if err != nil {
			t.Fatalf("core %d to core %d: %v", from.core, to.core, err)
		}
		if got, err := l.Accept(ctx); err != nil || got.Peer != from.core {
			t.Fatalf("%+v, %v", got, err)
		}
		from.Monitor.Close(o.ID)
	}
	dial(k.cores[3], k.cores[5])
	dial(k.cores[5], k.cores[3])
	for i, want := range []int{2, 3, 3, 2, 1, 2, 1} {
		if got := k.cores[i].connected(); got != want {
			t.Errorf("core %d has %d channels, want %d", i, got, want)
		}
	}
	k.kill(1)
	dial(k.cores[4], k.cores[6]) // over core 0
	k.kill(0)
	dial(k.cores[3], k.cores[6]) // over core 2, which is the root now
	again := k.restart(1)
	if err := again.WaitPeers(ctx); err != nil {
		t.Fatal(err)
	}
	dial(again, k.cores[5])
	dial(k.cores[6], again)
	if life, err := k.cores[4].WaitPeer(ctx, 1, 1); err != nil || life != 2 {
		t.Errorf("life %d, %v", life, err)
	}
}

// watched is an end that calls something with each line sent.
type watched struct {
	*end
	sends func()
}

func (w watched) TrySend(m *urpc.Message) error {
	w.sends()
	return w.end.TrySend(m)
}

// TestToldFromTheStart: from the first line on that goes to a peer, whoever wakes those that
// were spoken to knows of it. Otherwise what another goroutine says meanwhile may find the
// peer asleep, and nobody wakes it.
func TestToldFromTheStart(t *testing.T) {
	var m *Monitor
	var ch watched
	lines := 0
	ch = watched{&end{newLine(4), newLine(4)}, func() {
		lines++
		if !slices.ContainsFunc(m.ears.list, func(o *ear) bool { return o.peer == 1 }) {
			t.Error("spoken to, and not known")
		}
	}}
	m, err := Start(Config{
		Core: 0, Life: 1, Geometry: region.Geometry{Cores: 2, PoolPages: 64}, Memory: memory{},
		Ends:   &ends{life: func(int) uint64 { return 0 }, channel: func(int) Channel { return Channel{ch, ch} }},
		Shared: first(2), Hellos: new(atomic.Uint64), Request: new(uint64), Sleeper: never{},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.meet(1, 1); err != nil || lines != 1 {
		t.Errorf("%d lines, %v", lines, err)
	}
}
