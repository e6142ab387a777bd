package monitor

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"

	"barreleye/devices/region"
	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/caps"
	"barreleye/urpc"
)

// stepped is core 0's receiving end of a channel to core 1, whose monitor works whenever core 0 looks:
// what the two do for each other takes one goroutine, and no time of waiting.
type stepped struct {
	*urpc.Receiver
	peer *ears
	held atomic.Bool // core 1 does nothing
	look func()      // what else is to be done then; nil: nothing
}

func (s *stepped) TryRecv(m *urpc.Message) error {
	if s.look != nil {
		s.look()
	}
	if s.held.Load() {
		return urpc.ErrEmpty
	}
	s.peer.mu.Lock()
	s.peer.take(takeAtOnce)
	s.peer.tell()
	s.peer.mu.Unlock()
	return s.Receiver.TryRecv(m)
}

// decisions are a region's.
type decisions struct {
	first
	places [agreement.Window][agreement.RecordWords]uint64
}

func (d *decisions) Record(place int, r *agreement.Record) { r.Store(&d.places[place]) }

// pair starts two monitors over rings, of which the first drives the other.
func pair(t testing.TB) *Monitor { return couple(t)[0] }

// couple is pair, with the other one.
func couple(t testing.TB) (monitors [2]*Monitor) {
	var sides [2]urpc.Side
	for i := range sides {
		var err error
		if sides[i], err = urpc.SideOf(make([]byte, urpc.SideBytes(64)), 64); err != nil {
			t.Fatal(err)
		}
	}
	var asleep sleepers
	link := urpc.Link{Epoch: 1, Sleeper: &asleep, Polls: -1, Bell: &urpc.Bell{Asleep: new(uint64), Ring: func() {}}}
	for _, me := range []int{1, 0} {
		s, r, err := urpc.NewHalves(sides[me], sides[1-me], link)
		if err != nil {
			t.Fatal(err)
		}
		ch := Channel{s, r}
		if me == 0 {
			ch.Receiver = &stepped{Receiver: r, peer: monitors[1].ears}
		}
		if monitors[me], err = Start(Config{
			Core: me, Life: 1, Geometry: region.Geometry{Cores: 2, PoolPages: 64}, Memory: memory{},
			Ends: &ends{channel: func(int) Channel { return ch }}, Shared: &decisions{first: 2}, Hellos: new(atomic.Uint64),
			Request: new(uint64), Sleeper: never{}, Polls: func() int { return 1000 }, SharedRAM: coupleRAM,
		}); err != nil {
			t.Fatal(err)
		}
	}
	for asleep.Load() < 2 { // who looks at a channel while core 0 wants to has it stepped no more
		runtime.Gosched()
	}
	return monitors
}

// sleepers are goroutines that nobody wakes.
type sleepers struct{ atomic.Int32 }

func (s *sleepers) Sleep(context.Context, *uint64, uint64) error {
	s.Add(1)
	select {}
}

// coupleRAM is the memory that the two share.
var coupleRAM = caps.Extent{Type: caps.RAM, Base: 1 << 30, Size: 4096 * caps.PageSize}

// partners is couple, of which both take part in capabilities.
func partners(t testing.TB) [2]*Monitor {
	m := couple(t)
	joined := make(chan error, 1)
	go func() { joined <- m[1].TakePart(context.Background()) }()
	for {
		select {
		case err := <-joined:
			if err != nil {
				t.Fatal(err)
			}
			return m
		default:
			step(m)
		}
	}
}

// step has both do what is to be done.
func step(m [2]*Monitor) {
	m[0].ears.mu.Lock()
	m[0].ears.take(takeAtOnce)
	m[0].ears.tell()
	m[0].ears.mu.Unlock()
	runtime.Gosched()
}

// lent returns memory that core 0 has taken by agreement and core 1 has too.
func lent(t testing.TB, m [2]*Monitor) caps.Ref {
	r, err := m[0].TakeRAM(context.Background(), 32*caps.PageSize)
	if err != nil {
		t.Fatal(err)
	}
	lend(t, m, r)
	return r
}

// lend gives it to core 1, which accepts it.
func lend(t testing.TB, m [2]*Monitor, r caps.Ref) {
	if err := m[0].Send(context.Background(), r, 1, caps.All); err != nil {
		t.Fatal(err)
	}
	if _, ok := m[1].caps.take(func(*Arrival) bool { return true }); !ok {
		t.Fatal("nothing has arrived")
	}
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

// BenchmarkRetype is what both cores compute for a retype of what the other one has too,
// BenchmarkRevoke for taking it from the other one.
func BenchmarkRetype(b *testing.B) {
	m := partners(b)
	ram := lent(b, m)
	var parts [32]caps.Ref
	b.ReportAllocs()
	for done := 0; done < b.N; {
		n := min(b.N-done, len(parts))
		for i := range n {
			refs, err := m[0].Retype(context.Background(), ram, caps.Frame, uint64(i)*caps.PageSize, caps.PageSize, 1)
			if err != nil {
				b.Fatal(err)
			}
			parts[i] = refs[0]
		}
		done += n
		b.StopTimer()
		for _, r := range parts[:n] {
			if err := m[0].Delete(context.Background(), r); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
	}
}

func BenchmarkRevoke(b *testing.B) {
	m := partners(b)
	var all [32]caps.Ref
	for i := range all {
		all[i] = lent(b, m)
	}
	b.ReportAllocs()
	for done := 0; done < b.N; {
		n := min(b.N-done, len(all))
		for _, r := range all[:n] {
			if err := m[0].Revoke(context.Background(), r); err != nil {
				b.Fatal(err)
			}
		}
		done += n
		b.StopTimer()
		for _, r := range all[:n] {
			lend(b, m, r)
		}
		b.StartTimer()
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

// TestHeeded: while a core waits for what the other one does, its capabilities are what its ledger
// says, also where an operation has taken effect late.
func TestHeeded(t *testing.T) {
	m := partners(t)
	ram, ctx := lent(t, m), context.Background()
	looks := 0
	m[0].ears.list[0].ch.(*stepped).look = func() {
		if looks++; m[0].caps.ledger().Changed() {
			t.Error("something has changed in the ledger alone")
		}
	}
	refs, err := m[0].Retype(ctx, ram, caps.Frame, 0, caps.PageSize, 1)
	if err == nil {
		err = m[0].Delete(ctx, refs[0])
	}
	if err == nil {
		err = m[0].Revoke(ctx, ram)
	}
	if err != nil || looks == 0 {
		t.Errorf("%v, after %d looks", err, looks)
	}
}

// TestCapAllocations: an operation on what the other core has too allocates few objects, at both
// cores together.
func TestCapAllocations(t *testing.T) {
	if underRace {
		t.Skip("more is allocated under the race detector")
	}
	m := partners(t)
	ram := lent(t, m)
	if n := testing.AllocsPerRun(1000, func() {
		refs, err := m[0].Retype(context.Background(), ram, caps.Frame, 0, caps.PageSize, 1)
		if err == nil {
			err = m[0].Delete(context.Background(), refs[0])
		}
		if err != nil {
			t.Fatal(err)
		}
	}); n > 12 {
		t.Errorf("a retype and a deletion allocate %v objects", n)
	}
	if n := testing.AllocsPerRun(1000, func() {
		if err := m[0].Revoke(context.Background(), ram); err != nil {
			t.Fatal(err)
		}
		lend(t, m, ram)
	}); n > 6 {
		t.Errorf("a revocation and a send allocate %v objects", n)
	}
}
