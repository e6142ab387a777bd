package monitor

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/membership"
	"barreleye/guest/monitor/routes"
	"barreleye/urpc"
)

// start starts n monitors that are wired to each other.
func start(t *testing.T, n int, tree routes.Tree, life func(core int) uint64) (monitors []*Monitor, hellos []atomic.Uint64) {
	t.Helper()
	wires := make([][]*line, n)
	for i := range wires {
		wires[i] = make([]*line, n)
		for j := range wires[i] {
			wires[i][j] = newLine(4)
		}
	}
	hellos = make([]atomic.Uint64, n)
	for i := range n {
		m, err := Start(Config{
			Core: i, Life: life(i), Geometry: region.Geometry{Cores: n, PoolPages: 64}, Memory: memory{},
			Ends:   &ends{life: life, channel: func(peer int) Channel { return channelOf(wires[i][peer], wires[peer][i]) }},
			Shared: first(n), Tree: tree, Hellos: &hellos[i], Request: new(uint64), Sleeper: never{},
		})
		if err != nil {
			t.Fatal(err)
		}
		monitors = append(monitors, m)
	}
	return monitors, hellos
}

// ends are those to cores that live all the time.
type ends struct {
	life    func(core int) uint64 // nil: 1
	channel func(peer int) Channel
	word    uint64
}

func (e *ends) Word() *uint64 { return &e.word }

func (e *ends) Look(peer int) (life, over uint64, met bool) {
	if e.life == nil {
		return 1, region.OverNot, true
	}
	return e.life(peer), region.OverNot, true
}

func (e *ends) Open(int, uint64)                  {}
func (e *ends) Connect(peer int) (Channel, error) { return e.channel(peer), nil }
func (e *ends) Close(int, []Opened)               {}
func (e *ends) Settle(int, uint64)                {}

// memory is a region that nobody looks at.
type memory struct{}

func (memory) Zero(peer, page, pages int)             {}
func (memory) Publish(peer, slot int, e region.Entry) {}
func (memory) Clear(peer, slot int, e region.Entry)   {}
func (memory) HangUp(peer int, e region.Entry)        {}

// first is a multikernel of that many cores in which nothing happens.
type first int

func (n first) Members() (now, begin membership.View) {
	v := membership.View{Epoch: 1, Members: cores.First(int(n)), Joining: membership.Nobody}
	return v, v
}

func (first) Record(int, *agreement.Record) {}

func (first) Records(int) (list [agreement.Window]agreement.Record) { return list }

func (first) Settled(uint64) {}

// never sleeps until its context ends.
type never struct{}

func (never) Sleep(ctx context.Context, _ *uint64, _ uint64) error { select {} }

// TestEveryoneSaysHello: every monitor hears every other, and says so.
func TestEveryoneSaysHello(t *testing.T) {
	const n = 20
	t.Run("direct", func(t *testing.T) {
		if got := everyoneSaysHello(t, n, routes.Tree{}); got != n*(n-1) {
			t.Errorf("%d ends of channels", got)
		}
	})
	t.Run("tree", func(t *testing.T) {
		if got := everyoneSaysHello(t, n, routes.Balanced(n)); got != 2*(n-1) {
			t.Errorf("%d ends of channels", got)
		}
	})
}

func everyoneSaysHello(t *testing.T, n int, tree routes.Tree) (ends int) {
	monitors, hellos := start(t, n, tree, func(core int) uint64 { return uint64(core) + 1 })
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second) // a hang, not a measure
	defer cancel()
	for i, m := range monitors {
		if err := m.WaitPeers(ctx); err != nil {
			t.Fatalf("core %d heard %d of %d: %v", i, hellos[i].Load(), n-1, err)
		}
		if got := hellos[i].Load(); got != uint64(n-1) {
			t.Errorf("core %d counts %d hellos, want %d", i, got, n-1)
		}
	}
	for _, m := range monitors {
		ends += m.connected()
	}
	return ends
}

// TestWaitPeersEnds: waiting for peers that never come ends with the context.
func TestWaitPeersEnds(t *testing.T) {
	m, err := Start(Config{
		Core: 0, Geometry: region.Geometry{Cores: 2, PoolPages: 64}, Memory: memory{},
		Ends:   &ends{channel: func(int) Channel { return channelOf(newLine(1), newLine(1)) }},
		Shared: first(2), Hellos: new(atomic.Uint64), Request: new(uint64), Sleeper: never{},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := m.WaitPeers(ctx); err != context.Canceled {
		t.Errorf("WaitPeers: %v, want context.Canceled", err)
	}
}

// TestHelloIsChecked: a wrong sender or another ABI is refused.
func TestHelloIsChecked(t *testing.T) {
	for name, hello := range map[string]urpc.Message{
		"other core": {Type: typeHello, Words: [7]uint64{5, 1, layout.ABI}},
		"other life": {Type: typeHello, Words: [7]uint64{1, 2, layout.ABI}},
		"other type": {Type: 9, Words: [7]uint64{1, 1, layout.ABI}},
		"other ABI":  {Type: typeHello, Words: [7]uint64{1, 1, 99}},
	} {
		m := &Monitor{cfg: Config{Core: 0, Geometry: region.Geometry{Cores: 2}}}
		if err := m.checkHello(1, 1, &hello); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// questions answers like the VMM's side of the request word.
type questions struct {
	word  *uint64
	asked chan uint64
}

func (q questions) Sleep(ctx context.Context, word *uint64, old uint64) error {
	if word != q.word {
		select {} // nobody dies or returns
	}
	atomic.StoreUint64(word, <-q.asked)
	return nil
}

// TestRequestsAreAnswered: each new request is answered once, with its number.
func TestRequestsAreAnswered(t *testing.T) {
	q := questions{new(uint64), make(chan uint64)}
	answers := make(chan uint64)
	_, err := Start(Config{Geometry: region.Geometry{Cores: 1}, Ends: &ends{}, Shared: first(1), Hellos: new(atomic.Uint64), Request: q.word, Sleeper: q,
		PublishMaps: func(r uint64) { answers <- r }})
	if err != nil {
		t.Fatal(err)
	}
	for r := uint64(1); r < 10; r++ {
		q.asked <- r
		if got := <-answers; got != r {
			t.Errorf("request %d answered as %d", r, got)
		}
	}
}
