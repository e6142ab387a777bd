package integration

import (
	"fmt"
	"path/filepath"
	"testing"

	"barreleye/urpc/trace"
	"barreleye/vmm/image"
	"barreleye/vmm/timeline/timelinetest"
)

// TestTrace: the timeline of a run can be shown, and has an arrow for each message
// whose records were not lost, the states that cores were in, and their lives.
func TestTrace(t *testing.T) {
	for _, traced := range []struct {
		name  string
		kinds trace.Set
	}{{"all", trace.AllKinds}, {"messages", trace.MessageKinds}} {
		t.Run(traced.name, func(t *testing.T) {
			opt := options(t, load(t, "pingpong", image.LoadOptions{}), 2, "-n", "300")
			opt.Trace, opt.TraceKinds = filepath.Join(opt.Dir, "out", "trace.json"), traced.kinds
			o := run(t, opt)
			if o.ExitCode != 0 {
				t.Fatalf("exit code %d: %s", o.ExitCode, o.Errors())
			}
			read, err := timelinetest.Read(opt.Trace)
			if err != nil {
				t.Fatal(err)
			}
			arrows := read.Count("s", "message")
			t.Logf("%+v", o.Trace)
			if uint64(arrows) != o.Trace.Arrows || o.Trace.Records == 0 {
				t.Errorf("%d arrows, the report says %+v", arrows, o.Trace)
			}
			// calls and messages of a ring: 300 round trips of each, and what warms up
			if o.Trace.Lost == 0 && arrows < 1200 {
				t.Errorf("%d arrows although no record was lost", arrows)
			}
			states := read.Count("X", "running") + read.Count("X", "polling") + read.Count("X", "halted")
			if traced.kinds&trace.SetOf(trace.Life) != 0 && (read.Count("X", "life") != 2 || states == 0) {
				t.Errorf("%d lives, %d states", read.Count("X", "life"), states)
			}
			if traced.kinds&trace.SetOf(trace.Syscall) == 0 && read.Count("i", "futex") != 0 {
				t.Error("system calls, which nobody asked for")
			}
		})
	}
}

// TestTraceNotes: what a program notes itself is in the timeline by its name, and so
// are its collections; a core that stays alone is one process in it.
func TestTraceNotes(t *testing.T) {
	opt := options(t, load(t, "probe", image.LoadOptions{}), 1, "-n", "100", "notes")
	opt.Trace, opt.TraceKinds = filepath.Join(opt.Dir, "trace.json"), trace.AllKinds
	o := run(t, opt)
	o.wantOK()
	read, err := timelinetest.Read(opt.Trace)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v; marked %d times, collected %d times", o.Trace, read.Count("X", "mark"), read.Count("i", "collected"))
	if o.Trace.Lost != 0 {
		t.Fatalf("%d records lost", o.Trace.Lost)
	}
	for _, want := range []struct {
		phase, name string
		n           int
	}{{"b", "outer", 300}, {"e", "outer", 300}, {"b", "inner", 300}, {"e", "inner", 300}, {"i", "steps", 300}, {"C", "level", 300}} {
		if got := read.Count(want.phase, want.name); got != want.n {
			t.Errorf("%d events %s %q, want %d", got, want.phase, want.name, want.n)
		}
	}
	if read.Count("i", "collected") == 0 {
		t.Error("no collection of three")
	}
	if read.Count("X", "mark") < 3 && !onHosted() { // there the driver sees the collector mark
		t.Error("three collections at least are missing")
	}
}

// TestTraceAlone: what a core agrees on with itself is there too.
func TestTraceAlone(t *testing.T) {
	opt := options(t, load(t, "names", image.LoadOptions{}), 1, "check")
	opt.Trace, opt.TraceKinds = filepath.Join(opt.Dir, "trace.json"), trace.MonitorKinds
	run(t, opt).wantOK()
	read, err := timelinetest.Read(opt.Trace)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"export", "publish on", "withdraw"} {
		if b, e, s := read.Count("b", name), read.Count("e", name), read.Count("X", "alone "+name); b != 1 || e != 1 || s != 1 {
			t.Errorf("%s: %d spans begin, %d end, %d slices, want 1 of each", name, b, e, s)
		}
	}
}

// TestTraceOperations: what cores agree on is in the timeline by its name, on all of them,
// with arrows from step to step, as far as no record was lost.
func TestTraceOperations(t *testing.T) {
	opt := options(t, load(t, "names", image.LoadOptions{}), 3, "check")
	opt.Trace, opt.TraceKinds = filepath.Join(opt.Dir, "trace.json"), trace.MonitorKinds
	o := run(t, opt)
	o.wantOK()
	read, err := timelinetest.Read(opt.Trace)
	if err != nil {
		t.Fatal(err)
	}
	if o.Trace.Lost != 0 {
		t.Skipf("%d records lost", o.Trace.Lost)
	}
	spans := map[string]int{}
	for _, e := range read.Events {
		if e.Phase == "b" && e.Cat == "agreement" {
			spans[e.Name]++
		}
	}
	t.Logf("%v; %d arrows", spans, read.Count("s", "agreement"))
	for core := range 3 { // each offers a service, and the others take part
		if n := spans[fmt.Sprintf("export (core %d)", core)]; n < 2 {
			t.Errorf("%d cores take part in what core %d exports, want 2", n, core)
		}
	}
	if spans["export"] < 3 || spans["withdraw"] < 3 || spans["publish on"] == 0 {
		t.Errorf("spans %v", spans)
	}
	// of each export that took effect: to two cores, back, there again, and back
	if n := read.Count("s", "agreement"); n < 3*8 {
		t.Errorf("%d arrows", n)
	}
}
