package trace

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

// trace makes a ring what Event writes to for the rest of the test.
func trace(t testing.TB, records int, threads bool) Ring {
	t.Helper()
	r, err := NewRing(records)
	if err != nil {
		t.Fatal(err)
	}
	Begin(r, AllKinds, threads)
	t.Cleanup(func() {
		Choose(0)
		begin(0, 0, 0)
	})
	return r
}

// TestOrder: what is written is read, in order and with its arguments, through
// many laps, and what was overwritten is counted.
func TestOrder(t *testing.T) {
	r := trace(t, 64, false)
	reader := NewReader(r)
	rng := rand.New(rand.NewPCG(1, 2))
	buf := make([]Record, 100)
	written, read := uint64(0), uint64(0)
	last := uint64(0)
	for range 10_000 {
		for range rng.IntN(90) {
			Event(Send, written, ^written)
			written++
		}
		for _, rec := range buf[:reader.Read(buf[:rng.IntN(len(buf))], false)] {
			if rec.A < read || rec.B != ^rec.A || rec.Kind() != Send {
				t.Fatalf("record %+v after %d were read", rec, read)
			}
			if rec.TSC < last {
				t.Fatalf("time goes back from %d to %d", last, rec.TSC)
			}
			read, last = rec.A+1, rec.TSC
		}
	}
	reader.Read(buf, true)
	if reader.Dropped() == 0 || reader.next-reader.Dropped() == 0 {
		t.Errorf("%d written, %d dropped: the test has lost its point", written, reader.Dropped())
	}
	if reader.next != written {
		t.Errorf("%d records written, %d read or dropped", written, reader.next)
	}
}

// TestKinds: only kinds that are on are written.
func TestKinds(t *testing.T) {
	r := trace(t, 64, false)
	Choose(SetOf(Recv, Halt))
	Event(Send, 1, 2)
	Event(Recv, 3, 4)
	Event(Halt, 5, 6)
	if On(Send) || !On(Halt) || Kinds() != SetOf(Halt, Recv) {
		t.Errorf("kinds %#x", Kinds())
	}
	buf := make([]Record, 8)
	if n := NewReader(r).Read(buf, true); n != 2 || buf[0].Kind() != Recv || buf[1].A != 5 {
		t.Errorf("read %+v", buf[:n])
	}
	Choose(0)
	Event(Recv, 3, 4)
	if r.Begun() != 2 {
		t.Errorf("%d records while all are off", r.Begun())
	}
}

// TestFirstHeldUp: a record that was begun and not yet written is none, also where
// the ring has only zeroes so far.
func TestFirstHeldUp(t *testing.T) {
	r, err := NewRing(16)
	if err != nil {
		t.Fatal(err)
	}
	reader, buf := NewReader(r), make([]Record, 4)
	atomic.AddUint64(r.head, 1)
	if n := reader.Read(buf, false); n != 0 || reader.Dropped() != 0 {
		t.Errorf("%d records, %d dropped, before the first was written: %+v", n, reader.Dropped(), buf[:n])
	}
	r.Put(Wake, 1, 2)
	if n := reader.Read(buf, true); n != 1 || reader.Dropped() != 1 || buf[0].A != 1 {
		t.Errorf("%d records, %d dropped, want the second record and 1: %+v", n, reader.Dropped(), buf[:n])
	}
}

// TestSkip: what was begun before is not read, and what is begun afterwards is.
func TestSkip(t *testing.T) {
	r, err := NewRing(16)
	if err != nil {
		t.Fatal(err)
	}
	r.Put(Wake, 1, 1)
	reader, buf := NewReader(r), make([]Record, 4)
	reader.Skip()
	r.Put(Wake, 2, 2)
	if n := reader.Read(buf, true); n != 1 || reader.Dropped() != 0 || buf[0].A != 2 {
		t.Errorf("%d records, %d dropped: %+v", n, reader.Dropped(), buf[:n])
	}
}

// TestHeldUp: a writer that is interrupted at any of its stores, while others
// write one, a few, or more than the ring holds, loses nothing of theirs but what
// it damages, and nothing damaged is ever read.
func TestHeldUp(t *testing.T) {
	for held := range 5 { // stores of the held one that are done before the others
		for _, others := range []uint64{0, 1, 5, 15, 16, 17, 40} {
			r, err := NewRing(16)
			if err != nil {
				t.Fatal(err)
			}
			r.Put(Tick, 1, 1)
			n := r.Begun()
			whole := Record{TSC: 77, A: 2, B: 2, meta: uint64(Halt)}
			whole.meta |= n<<numberShift | whole.check(n)<<checkShift
			atomic.AddUint64(r.head, 1)
			s := &r.records[n&15]
			steps := []func(){func() { s.TSC = whole.TSC }, func() { s.A = whole.A }, func() { s.B = whole.B }, func() { s.meta = whole.meta }}
			for _, step := range steps[:min(held, len(steps))] {
				step()
			}
			reader := NewReader(r)
			var got []Record
			read := func() {
				buf := make([]Record, 3)
				for n := reader.Read(buf, false); n > 0; n = reader.Read(buf, false) {
					got = append(got, buf[:n]...)
				}
			}
			read()
			for i := range others {
				r.Put(Wake, 100+i, 5)
				if i%3 == 0 {
					read()
				}
			}
			for _, step := range steps[min(held, len(steps)):] {
				step()
				read()
			}
			buf := make([]Record, 64)
			got = append(got, buf[:reader.Read(buf, true)]...)
			for _, rec := range got {
				switch {
				case rec == whole:
				case rec.Kind() == Tick && rec.A == 1:
				case rec.Kind() == Wake && rec.A >= 100 && rec.A < 100+others && rec.B == 5:
				default:
					t.Fatalf("%d stores before %d others: read %+v", held, others, rec)
				}
			}
			if uint64(len(got))+reader.Dropped() != others+2 {
				t.Errorf("%d stores before %d others: %d read, %d dropped", held, others, len(got), reader.Dropped())
			}
			if others < 8 && reader.Dropped() != 0 {
				t.Errorf("%d stores before %d others: %d dropped", held, others, reader.Dropped())
			}
		}
	}
}

// TestThreads: with several threads every record is read once or dropped, and
// none is torn.
func TestThreads(t *testing.T) {
	const writers, each = 4, 200_000
	r := trace(t, 256, true)
	reader := NewReader(r)
	var wg sync.WaitGroup
	for w := range uint64(writers) {
		wg.Go(func() {
			for i := range uint64(each) {
				Event(Recv, w<<32|i, i*0x9e37)
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	next, count := [writers]uint64{}, uint64(0)
	buf := make([]Record, 64)
	read := func(last bool) bool {
		n := reader.Read(buf, last)
		for _, rec := range buf[:n] {
			w, i := rec.A>>32, rec.A&0xffffffff
			if w >= writers || i < next[w] || rec.B != i*0x9e37 {
				t.Fatalf("torn or repeated: %+v", rec)
			}
			next[w] = i + 1
			count++
		}
		return n > 0
	}
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
			read(false)
		}
	}
	for read(true) {
	}
	if count+reader.Dropped() != writers*each || count == 0 {
		t.Errorf("%d read, %d dropped of %d", count, reader.Dropped(), writers*each)
	}
}

func TestNoAllocation(t *testing.T) {
	trace(t, 64, false)
	if n := testing.AllocsPerRun(100, func() { Event(Send, 1, 2) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzReader: whatever the ring holds, reading ends and makes up nothing.
func FuzzReader(f *testing.F) {
	f.Add(uint64(3), uint64(9), []byte{1, 2, 3})
	f.Add(uint64(1<<63), uint64(1), []byte{})
	f.Add(^uint64(0), uint64(0), []byte{0xff})
	f.Fuzz(func(t *testing.T, first, second uint64, data []byte) {
		r, err := NewRing(16)
		if err != nil {
			t.Fatal(err)
		}
		for i := range r.records {
			if i < len(data) {
				r.records[i] = Record{TSC: uint64(data[i]), meta: uint64(data[i]) * 0x0101010101010101}
			}
		}
		*r.head = first
		reader := NewReader(r)
		buf := make([]Record, 7)
		for _, head := range []uint64{first, second} {
			atomic.StoreUint64(r.head, head)
			for i := 0; reader.Read(buf, true) > 0; i++ {
				if i > 16 {
					t.Fatal("reading does not end")
				}
			}
		}
	})
}

func BenchmarkEvent(b *testing.B) {
	for _, c := range []struct {
		name    string
		kinds   Set
		threads bool
	}{{"off", 0, false}, {"on", AllKinds, false}, {"threads", AllKinds, true}} {
		b.Run(c.name, func(b *testing.B) {
			trace(b, 1<<15, c.threads)
			Choose(c.kinds)
			begun := Now()
			for b.Loop() {
				for i := range uint64(500) {
					Event(Send, i, i)
					Event(Recv, i, i)
				}
			}
			b.ReportMetric(float64(Now()-begun)/float64(b.N)/1000, "cycles/event")
		})
	}
}

// TestNames: names are found in their places, long ones cut, and there is an end.
func TestNames(t *testing.T) {
	names := new(Names)
	for i := range uint64(MaxNames) {
		place, ok := names.Add("a name that is longer than there is room for")
		if place != i || !ok {
			t.Fatal(i, place, ok)
		}
	}
	if _, ok := names.Add("one more"); ok {
		t.Error("there is room for too many")
	}
	if got, want := names.Name(MaxNames-1), "a name that is longer than ther"; got != want {
		t.Errorf("name %q, want %q", got, want)
	}
	names.n.Store(1 << 40) // a broken core's
	if got := names.Name(MaxNames); got != "" {
		t.Errorf("name %q from outside of the page", got)
	}
}
