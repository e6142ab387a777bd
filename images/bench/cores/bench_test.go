package cores

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"barreleye/guest"
	"barreleye/guest/guesttest"
	"barreleye/images/bench/measure"
)

var (
	lead  *measure.Side // on core 0
	works []measure.Work
)

// TestMain has core 0 run the benchmarks and core 1 do its half of each.
func TestMain(m *testing.M) {
	if !guest.Running() || guest.Cores() < 2 {
		os.Exit(m.Run())
	}
	if guest.Core() > 1 {
		os.Exit(0)
	}
	s, err := Side()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	works = s.Works()
	if guest.Core() == 1 {
		s.Follow(works)
		os.Exit(0)
	}
	lead = s
	code := m.Run()
	lead.Lead(works, -1, 0)
	os.Exit(code)
}

// needsCores skips where there is no other core.
func needsCores(tb testing.TB) {
	if lead == nil {
		tb.Skip("needs two cores: barreleye test --cores 2 -run - -bench . ./images/bench/cores")
	}
}

// TestWorks: all that the benchmarks measure works, a few messages at a time, and
// goes on where it ended.
func TestWorks(t *testing.T) {
	needsCores(t)
	for i := range works {
		for _, n := range []uint64{1, 100, 300} {
			lead.Lead(works, i, n)
		}
	}
}

// TestOnCores runs the above, and the benchmarks briefly, on two cores.
func TestOnCores(t *testing.T) {
	if guest.Running() {
		t.Skip("starts cores: run it on Linux")
	}
	binary := filepath.Join(t.TempDir(), "cores.test")
	build := exec.Command("go", "test", "-c", "-o", binary)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v: %s", build.Args, err, out)
	}
	out := guesttest.Run(t, "--cores", "2", binary, "--", "-test.run", "Works", "-test.bench", ".", "-test.benchtime", "10x")
	for _, want := range []string{"[0] PASS", "BenchmarkCall/of=ours", "BenchmarkInFlight/inflight=64", "BenchmarkStream/lines=16384/profile=bulk/of=ours"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func BenchmarkCall(b *testing.B)     { bench(b, "Call/") }
func BenchmarkRing(b *testing.B)     { bench(b, "Ring/") }
func BenchmarkInFlight(b *testing.B) { bench(b, "InFlight/") }
func BenchmarkStream(b *testing.B)   { bench(b, "Stream/") }

// bench runs all works of a kind.
func bench(b *testing.B, kind string) {
	needsCores(b)
	for i, w := range works {
		name, ok := strings.CutPrefix(w.Name, kind)
		if !ok {
			continue
		}
		b.Run(name, func(b *testing.B) {
			runtime.GC() // not while assembly waits
			b.ReportAllocs()
			b.ResetTimer()
			lead.Lead(works, i, uint64(b.N))
		})
	}
}
