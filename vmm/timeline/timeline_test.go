package timeline_test

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"barreleye/devices/layout"
	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/names"
	"barreleye/urpc/trace"
	"barreleye/vmm/timeline"
	"barreleye/vmm/timeline/timelinetest"
)

// taken is a trace that a test makes: rings for cores, and one for the VMM.
type taken struct {
	dir   string
	rings []trace.Ring
	spool *timeline.Spool
}

func take(t *testing.T, cores, records int) *taken {
	t.Helper()
	tt := &taken{dir: t.TempDir()}
	for range cores + 1 {
		r, err := trace.NewRing(records)
		if err != nil {
			t.Fatal(err)
		}
		tt.rings = append(tt.rings, r)
	}
	var err error
	tt.spool, err = timeline.NewSpool(timeline.Config{
		Dir: tt.dir, Rings: tt.rings,
		Meta:  timeline.Meta{Image: "test", Platform: "none", Cores: cores, Ring: 64, Pool: 64, TSCKHz: 2_000_000, TSC: trace.Now(), Started: time.Now()},
		Names: func(int) []string { return []string{"a \"quoted\" name", "n\u00e4me\x00"} },
	})
	if err != nil {
		t.Fatal(err)
	}
	return tt
}

// convert ends the trace and reads it back.
func (tt *taken) convert(t *testing.T) (*timelinetest.Trace, timeline.Summary) {
	t.Helper()
	if err := tt.spool.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(tt.dir, "out.json")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := timeline.Convert(tt.dir, f)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	read, err := timelinetest.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return read, sum
}

const ring = layout.RegionVA + 1<<16

// TestStory: what two cores do is shown as it was: states, threads, an arrow for
// each message, a span, a collection.
func TestStory(t *testing.T) {
	tt := take(t, 2, 1024)
	a, b, vmm := tt.rings[0], tt.rings[1], tt.rings[2]
	vmm.Put(trace.Life, 0|1<<8, trace.LifeBegins)
	vmm.Put(trace.Life, 1|1<<8, trace.LifeBegins)
	b.Put(trace.Idle, 0, 0)
	b.Put(trace.Halt, 0, 0)
	a.Put(trace.Syscall, 202, 1)
	a.Put(trace.SpanBegin, 0, 77)
	a.Put(trace.Send, ring|1<<48, 0)
	a.Put(trace.Send, ring|1<<48, 1)
	a.Put(trace.Bell, 1, 0)
	b.Put(trace.Wake, 2, 0)
	b.Put(trace.Busy, 0, 0)
	b.Put(trace.Switch, 3, 1)
	b.Put(trace.Recv, ring|2<<48, 0) // both at once
	b.Put(trace.Send, (ring+1<<16)|9<<48, 0)
	a.Put(trace.Recv, (ring+1<<16)|1<<48, 0) // the first of nine
	a.Put(trace.Recv, (ring+1<<16)|8<<48, 1)
	a.Put(trace.Recv, (ring+1<<20)|1<<48, 5) // its send was lost
	a.Put(trace.Mark, 1, 0)
	a.Put(trace.Mark, 0, 0)
	a.Put(trace.Instant, 1, 4)
	a.Put(trace.Counter, 0, 4)
	a.Put(trace.SpanEnd, 0, 77)
	b.Put(trace.SpanBegin, 5, 78) // has no name, and does not end
	vmm.Put(trace.Exit, 1, 6)
	// a life's end is later than what its core noted, by more than a lost send is waited for
	for written := trace.Now(); trace.Now()-written < 10_000; {
	}
	vmm.Put(trace.Life, 0|1<<8, trace.LifeEnds)
	read, sum := tt.convert(t)
	if sum.Records != 25 || sum.Arrows != 3 || sum.Lost() != 0 {
		t.Errorf("%+v, want 25 records, 3 arrows", sum)
	}
	for _, want := range []struct {
		phase, name string
		n           int
	}{
		{"X", "halted", 1}, {"X", "polling", 2}, {"X", "running", 3}, {"X", "thread 3", 1}, {"X", "thread 1", 1}, {"X", "send", 3}, {"X", "receive", 4},
		{"X", "mark", 1}, {"X", "life", 2}, {"s", "message", 3}, {"f", "message", 3}, {"b", "a \"quoted\" name", 1}, {"e", "name 5", 1}, {"i", "n\u00e4me\x00", 1},
		{"C", "a \"quoted\" name", 1}, {"i", "futex", 1}, {"i", "ring", 1}, {"i", "exit: MMIO", 1},
	} {
		if got := read.Count(want.phase, want.name); got != want.n {
			t.Errorf("%d events %s %q, want %d", got, want.phase, want.name, want.n)
		}
	}
}

// TestGraphs: messages, halts and collections of a core are counted in its graphs, and
// none of them is left at a value after its end.
func TestGraphs(t *testing.T) {
	tt := take(t, 2, 1024)
	a, b := tt.rings[0], tt.rings[1]
	for i := range uint64(30) {
		a.Put(trace.Send, ring|2<<48, 2*i)
		b.Put(trace.Recv, ring|2<<48, 2*i)
		b.Put(trace.Halt, 0, 0)
		for written := trace.Now(); trace.Now()-written < 500_000; { // over several ms
		}
	}
	b.Put(trace.Collect, 7, 3000)
	read, _ := tt.convert(t)
	for _, want := range []struct {
		core      int
		name, arg string
		n         float64
	}{
		{0, "messages", "sent", 60}, {0, "messages", "received", 0}, {1, "messages", "received", 60}, {0, "halts", "per ms", 0}, {1, "halts", "per ms", 30},
	} {
		if got, ok := read.Area(want.core, want.name, want.arg); math.Abs(got-want.n) > 1e-6 || !ok {
			t.Errorf("core %d: %s, %s: %v, %v, want %v", want.core, want.name, want.arg, got, ok, want.n)
		}
	}
	if got := read.Count("C", "collections"); got != 1 {
		t.Errorf("%d collections", got)
	}
}

// TestLoss: a core that is faster than the copying loses records, and as many are
// missing as are counted; memory and files are bounded meanwhile.
func TestLoss(t *testing.T) {
	tt := take(t, 1, 64)
	const written = 300_000
	for i := range uint64(written) {
		tt.rings[0].Put(trace.Instant, 0, i)
	}
	read, sum := tt.convert(t)
	if sum.Lost() == 0 || sum.Records+sum.Lost() != written {
		t.Errorf("%d records and %d lost of %d", sum.Records, sum.Lost(), written)
	}
	if got := read.Count("i", "a \"quoted\" name"); uint64(got) != sum.Records {
		t.Errorf("%d events of %d records", got, sum.Records)
	}
	if read.Other["lost"] != float64(sum.Lost()) {
		t.Errorf("the file says %v lost", read.Other["lost"])
	}
}

// TestWhileWriting: the records so far can be converted while more come.
func TestWhileWriting(t *testing.T) {
	tt := take(t, 1, 1024)
	tt.rings[0].Put(trace.Instant, 0, 1)
	for deadline := time.Now().Add(time.Minute); ; {
		sum, err := timeline.Convert(tt.dir, new(nowhere))
		if err != nil {
			t.Fatal(err)
		}
		if sum.Records == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the record is not copied")
		}
	}
	tt.convert(t)
}

// TestSecondTrace: a trace of cores that are traced for the second time has nothing of
// the first, and what is being written when it ends is not lost.
func TestSecondTrace(t *testing.T) {
	tt := take(t, 1, 64)
	tt.rings[0].Put(trace.Instant, 0, 1)
	if _, sum := tt.convert(t); sum.Records != 1 {
		t.Fatalf("%+v", sum)
	}
	var err error
	tt.spool, err = timeline.NewSpool(timeline.Config{
		Dir: tt.dir, Rings: tt.rings, Live: true,
		Meta:  timeline.Meta{Cores: 1, Ring: 64, Pool: 64, TSCKHz: 2_000_000, TSC: trace.Now()},
		Names: func(int) []string { return []string{"second"} },
	})
	if err != nil {
		t.Fatal(err)
	}
	tt.rings[0].Put(trace.Instant, 0, 2)
	read, sum := tt.convert(t)
	if sum.Records != 1 || sum.Lost() != 0 || read.Count("i", "second") != 1 {
		t.Errorf("%+v, %d of the second trace's record", sum, read.Count("i", "second"))
	}
}

type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }

// TestHostile: whatever cores note, the file is one that can be shown.
func TestHostile(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 1))
	tt := take(t, 3, 1<<15)
	for range 20_000 {
		args := [2]uint64{}
		for i := range args {
			switch rng.IntN(4) {
			case 0:
				args[i] = rng.Uint64()
			case 1:
				args[i] = rng.Uint64N(4)
			case 2:
				args[i] = ring + rng.Uint64N(4)*64 | rng.Uint64N(3)<<48
			}
		}
		tt.rings[rng.IntN(4)].Put(trace.Kind(rng.IntN(64)), args[0], args[1])
	}
	defer func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	}()
	if _, sum := tt.convert(t); sum.Records != 20_000 {
		t.Errorf("%+v", sum)
	}
}

// TestOperations: an operation that cores agree on is a span of each, by its name, with arrows
// from each step to those that answer it; one whose coordinator dies, or whose records are
// nonsense, breaks nothing.
func TestOperations(t *testing.T) {
	tt := take(t, 3, 1024)
	lock, err := names.Lock(0, "l")
	if err != nil {
		t.Fatal(err)
	}
	text, err := names.Publish(1, "topic", "text")
	if err != nil {
		t.Fatal(err)
	}
	note := func(core int, what, coordinator uint64, op agreement.Op, seq uint64) {
		a := what | coordinator<<8
		if op != "" {
			a |= uint64(op[0]) << 24
		}
		tt.rings[core].Put(trace.Agree, a, seq)
		time.Sleep(time.Microsecond) // rings are merged by time
	}
	note(0, trace.AgreeBegin, 0, lock, 1)
	note(1, trace.AgreeVote, 0, "", 1)
	note(1, trace.AgreeApply, 1, text, 1) // meanwhile
	note(2, trace.AgreeVote, 0, "", 1)
	note(0, trace.AgreeDone, 1, "", 1)
	note(0, trace.AgreeDecide, 0, "", 1)
	note(1, trace.AgreeDone, 0, "", 1)
	note(2, trace.AgreeDone, 0, "", 1)
	note(0, trace.AgreeEnd, 0, "", 1)
	note(2, trace.AgreeDone, 0, "", 1)    // late
	note(2, trace.AgreeVote, 7, "", 1)    // of no core
	note(1, trace.AgreeEnd, 0, "", 1)     // not its own
	note(2, 99, 2, "", 1)                 // no step
	note(2, trace.AgreeBegin, 2, lock, 5) // and dies
	note(0, trace.AgreeVote, 2, "", 5)
	note(1, trace.AgreeAlone, 1, text, 9)
	note(1, trace.AgreeEnd, 1, "", 9)
	note(0, trace.AgreeAlone, 1, text, 10) // not its own
	read, sum := tt.convert(t)
	if sum.Arrows != 0 {
		t.Errorf("%d arrows of messages", sum.Arrows)
	}
	for _, want := range []struct {
		phase, name string
		n           int
	}{
		{"b", "lock", 2}, {"e", "lock", 2}, {"b", "lock (core 0)", 2}, {"e", "lock (core 0)", 2}, {"b", "lock (core 2)", 1}, {"e", "lock (core 2)", 1},
		{"b", "publish on", 2}, {"e", "publish on", 2}, {"b", "publish on (core 1)", 1}, {"e", "publish on (core 1)", 1},
		{"X", "prepare lock", 2}, {"X", "vote lock", 3}, {"X", "decide lock", 1}, {"X", "done lock", 2}, {"X", "end lock", 1},
		{"X", "apply publish on", 1}, {"X", "done publish on", 1}, {"X", "alone publish on", 1}, {"X", "end publish on", 1},
		{"s", "agreement", 10}, {"f", "agreement", 10}, // to and from two cores twice, one answer of core 0 to core 1, one to core 2
	} {
		if got := read.Count(want.phase, want.name); got != want.n {
			t.Errorf("%d events %s %q, want %d", got, want.phase, want.name, want.n)
		}
	}
}
