package monitor

import (
	"context"
	"sync/atomic"
	"testing"

	"barreleye/devices/region"
	"barreleye/guest/monitor/agreement"
	"barreleye/urpc"
)

// stepped is core 0's end of a channel to core 1, whose monitor works whenever core 0 looks:
// what the two do for each other takes one goroutine, and no time of waiting.
type stepped struct {
	*urpc.Sender
	*urpc.Receiver
	peer *ears
}

func (s *stepped) TryRecv(m *urpc.Message) error {
	s.peer.mu.Lock()
	s.peer.take()
	s.peer.mu.Unlock()
	s.peer.tell()
	return s.Receiver.TryRecv(m)
}

// decisions are a region's.
type decisions struct {
	first
	places [agreement.Window][agreement.RecordWords]uint64
}

func (d *decisions) Record(place int, r *agreement.Record) { r.Store(&d.places[place]) }

// pair starts two monitors over rings, of which the first drives the other.
func pair(t testing.TB) *Monitor {
	var sides [2]urpc.Side
	for i := range sides {
		var err error
		if sides[i], err = urpc.SideOf(make([]byte, urpc.SideBytes(64)), 64); err != nil {
			t.Fatal(err)
		}
	}
	link := urpc.Link{Epoch: 1, Sleeper: never{}, Polls: -1, Bell: &urpc.Bell{Asleep: new(uint64), Ring: func() {}}}
	var monitors [2]*Monitor
	for _, me := range []int{1, 0} {
		s, r, err := urpc.NewHalves(sides[me], sides[1-me], link)
		if err != nil {
			t.Fatal(err)
		}
		var ch Channel = &struct {
			*urpc.Sender
			*urpc.Receiver
		}{s, r}
		if me == 0 {
			ch = &stepped{s, r, monitors[1].ears}
		}
		if monitors[me], err = Start(Config{
			Core: me, Life: 1, Geometry: region.Geometry{Cores: 2, PoolPages: 64}, Memory: memory{},
			Ends: &ends{channel: func(int) Channel { return ch }}, Shared: &decisions{first: 2}, Hellos: new(atomic.Uint64),
			Request: new(uint64), Sleeper: never{}, Polls: func() int { return 1000 },
		}); err != nil {
			t.Fatal(err)
		}
	}
	return monitors[0]
}

// two is an operation of two phases.
func two(t testing.TB, m *Monitor, turn int) {
	do := m.Lock
	if turn%2 == 1 {
		do = m.Unlock
	}
	if err := do(context.Background(), "lock"); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkTwoPhases is what both cores of a multikernel compute for an operation of two
// phases; BenchmarkOnePhase for one of one.
func BenchmarkTwoPhases(b *testing.B) {
	m := pair(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		two(b, m, i)
	}
}

func BenchmarkOnePhase(b *testing.B) {
	m := pair(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Publish(context.Background(), "topic", "text"); err != nil {
			b.Fatal(err)
		}
	}
}

// TestAllocations: an operation that was made before allocates nothing, at neither core.
func TestAllocations(t *testing.T) {
	m := pair(t)
	turn := 0
	if n := testing.AllocsPerRun(1000, func() { two(t, m, turn); turn++ }); n != 0 {
		t.Errorf("an operation of two phases allocates %v objects", n)
	}
	if n := testing.AllocsPerRun(1000, func() {
		if err := m.Publish(context.Background(), "topic", "text"); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("one of one phase allocates %v objects", n)
	}
}
