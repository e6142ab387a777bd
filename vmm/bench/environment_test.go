package bench

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestObserve: what Linux always tells is there, and the check looked at each CPU.
func TestObserve(t *testing.T) {
	onPlatforms(t, func(t *testing.T, o Options) {
		w := o.Observe("v1 (abc)")
		im, err := builtinImage("hello")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := o.cores(im, nil); err != nil {
			t.Fatal(err)
		}
		e := w.End()
		if _, err := time.Parse(time.RFC3339, e.Date); err != nil || e.DurationS <= 0 {
			t.Errorf("date %q, duration %v", e.Date, e.DurationS)
		}
		if e.Version != "v1 (abc)" || e.Go == "" || e.CPU == "" || !strings.HasPrefix(e.Kernel, "Linux ") || e.ClockSource == "" || e.TSCKHz == 0 {
			t.Errorf("%+v", e)
		}
		if len(e.Placement) != 2 || e.Placement[0].Core != 0 || e.Placement[1].Core != 1 {
			t.Errorf("placement %+v", e.Placement)
		}
		if cpus := allowedCPUs(); len(cpus) > 1 && (e.Placement[0].CPU != cpus[0] || e.Placement[1].CPU != cpus[1]) {
			t.Errorf("placement %+v on %v", e.Placement, cpus)
		}
		if r := e.Ring; r == nil || !strings.HasPrefix(r.VA, "0x") || r.Lines == 0 || r.Pages == 0 || r.PageSize != os.Getpagesize() {
			t.Errorf("ring %+v", r)
		} else if os.Geteuid() == 0 && (r.Runs < 1 || r.Runs > r.Pages) {
			t.Errorf("%d runs of %d pages", r.Runs, r.Pages)
		}
		if len(e.Noise.CPUs) != min(len(allowedCPUs()), noiseMost) {
			t.Errorf("noise of %d CPUs", len(e.Noise.CPUs))
		}
		var raw map[string]any
		if b, err := json.Marshal(e); err != nil {
			t.Error(err)
		} else if err := json.Unmarshal(b, &raw); err != nil {
			t.Error(err)
		}
		for _, name := range []string{"date", "duration_s", "version", "go", "cpu", "cpus", "hypervisor", "kernel", "platform", "halt_poll_ns",
			"tsc_khz", "tsc_flags", "clock_source", "placement", "ring", "load", "steal_percent", "noise"} {
			if _, ok := raw[name]; !ok {
				t.Errorf("no %q in %v", name, raw)
			}
		}
	})
}

// TestJudge: each kind of noise is named with its figures, and silence is none.
func TestJudge(t *testing.T) {
	quiet := CPUNoise{CPU: 3, Gaps: 2, LongestUS: 40, MissingPercent: 0.1}
	for _, c := range []struct {
		cpu      CPUNoise
		runnable int
		want     string
	}{
		{quiet, 0, ""},
		{CPUNoise{CPU: 3, LongestUS: 2500, MissingPercent: 7.5}, 0, "CPU 3 was somewhere else for 7.5 % of the time, 2500 us at once"},
		{CPUNoise{CPU: 3, LongestUS: 1500, MissingPercent: 0.9}, 0, "CPU 3 was somewhere else for 1500 us"},
		{CPUNoise{CPU: 3, StealPercent: 4}, 0, "4.0 % of CPU 3 were stolen"},
		{quiet, 2, "2 other processes want a CPU"},
	} {
		n := Noise{Why: []string{}, CPUs: []CPUNoise{c.cpu}, Runnable: c.runnable}
		n.judge()
		if got := strings.Join(n.Why, "; "); got != c.want || n.Noisy != (c.want != "") {
			t.Errorf("%+v, %d: %q, noisy %v", c.cpu, c.runnable, got, n.Noisy)
		}
		if n.Noisy && !strings.Contains(n.Warning(), c.want) {
			t.Errorf("warning %q", n.Warning())
		}
	}
}

// TestSteal: the share of stolen ticks, none where the clock stood still.
func TestSteal(t *testing.T) {
	before := cpuTicks{all: 1000, stolen: 10}
	for _, c := range []struct {
		after cpuTicks
		want  float64
	}{{cpuTicks{1200, 20}, 0.05}, {cpuTicks{1000, 10}, 0}, {cpuTicks{1100, 5}, 0}, {cpuTicks{}, 0}} {
		if got := before.stolenUntil(c.after); got != c.want {
			t.Errorf("%v: %v, want %v", c.after, got, c.want)
		}
	}
	if now := readTicks("cpu"); now.all <= 0 || now.stolen > now.all {
		t.Errorf("ticks %+v", now)
	}
}

// TestCPUFlags: this machine has what every x86-64 has.
func TestCPUFlags(t *testing.T) {
	if flags := cpuFlags(); !slices.Contains(flags, "sse2") || slices.Contains(flags, ":") {
		t.Errorf("%v", flags)
	}
	if cpuInfo("no such field") != "" {
		t.Error("a field that is not there")
	}
}
