package integration

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"barreleye/guest/monitor/report"
	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/observe"
	"barreleye/vmm/supervise"
)

var (
	capsKills = flag.Int("caps.kills", 0, "how many lives TestCapsKilled ends; 0 for a few")
	capsSeed  = flag.Uint64("caps.seed", 0, "seed of TestCapsStorm and TestCapsKilled; 0 for a new one")
	capsPause = flag.Duration("caps.pause", 60*time.Millisecond, "longest pause between two kills of TestCapsKilled")
	capsCores = flag.Int("caps.cores", 4, "cores of TestCapsKilled")
	capsOver  = flag.String("caps.monitors", "", "over which channels monitors speak in TestCapsKilled, as with run --monitors; if not given once directly and once over a tree")
)

// sharing returns how the tests run the image caps: with all invariants tested after each
// step.
func sharing(t *testing.T, cores int, args ...string) *multikernel.Options {
	opt := options(t, load(t, "caps", image.LoadOptions{}), cores, args...)
	opt.Debug = []string{multikernel.DebugCaps}
	return opt
}

// stormy returns the seed of a storm.
func stormy(t *testing.T) uint64 {
	seed := *capsSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	return seed
}

// TestCaps: cores cut memory, give each other parts of it and take them back; all of it is
// free at the end.
func TestCaps(t *testing.T) {
	for _, n := range []int{1, 2, scaled(8, 4)} {
		o := run(t, sharing(t, n, "check"))
		o.wantOK()
		o.wantLine(0, "pages are free")
		for i := range n {
			o.wantLine(i, "capabilities were cut, sent, received and revoked")
		}
	}
}

// TestCapsStorm: all cores do everything at once.
func TestCapsStorm(t *testing.T) {
	seed := stormy(t)
	for _, n := range []int{2, scaled(8, 4)} {
		o := run(t, sharing(t, n, "-seed", fmt.Sprint(seed), "-n", fmt.Sprint(scaled(400, 40)), "storm"))
		o.wantOK()
		o.wantLine(0, "pages are free")
	}
}

// tellMonitors logs what the monitors of a run hold that takes long to end, and may end
// meanwhile.
func tellMonitors(t *testing.T, try doer, cores int) {
	for core := range cores {
		r := try(multikernel.Command{Op: multikernel.OpMonitor, Core: core})
		m, _, err := report.Parse(r.Data)
		m.Names = nil
		t.Logf("core %d, life %d: %+v, %v", core, r.Life, m, errors.Join(err, r.Err))
		r = try(multikernel.Command{Op: multikernel.OpStacks, Core: core})
		t.Logf("%s", r.Data)
	}
}

// TestCapsKilled: cores are killed at random moments of the storm, and return. Who lives
// goes on, what must hold does at every step, and at the end all of the shared memory is
// free, to the last page.
func TestCapsKilled(t *testing.T) {
	kills := *capsKills
	if kills == 0 {
		kills = scaled(30, 4)
	}
	seed := stormy(t)
	ways := []string{multikernel.MonitorsDirect, multikernel.MonitorsTree}
	if *capsOver != "" {
		ways = []string{*capsOver}
	}
	for _, monitors := range ways {
		t.Run(monitors, func(t *testing.T) { stormKilled(t, seed, kills, monitors) })
	}
}

// stormKilled is TestCapsKilled with monitors that speak over some channels.
func stormKilled(t *testing.T, seed uint64, kills int, monitors string) {
	r := rand.New(rand.NewPCG(seed, 0))
	opt := sharing(t, *capsCores, "-seed", fmt.Sprint(seed), "storm")
	opt.Monitors = monitors
	opt.Restart = supervise.Policy{Restart: supervise.OnFailure, Intensity: supervise.Intensity{Restarts: 1 << 20, Within: time.Second}}
	kick := make(chan multikernel.Reason, 1)
	hung := time.AfterFunc(hang()+time.Duration(kills)*time.Second, func() { kick <- multikernel.Reason{Text: "hung", Code: codeHung} })
	defer hung.Stop()
	opt.Kick = kick
	killed, before := 0, make([]int, opt.Cores)
	ready := func(core int) int { // how many lives of it were
		b, err := os.ReadFile(filepath.Join(opt.Dir, observe.CoreFile(core)))
		if err != nil {
			t.Error(err)
		}
		return strings.Count(string(b), "in the storm")
	}
	began := time.Now()
	o := attempt(t, opt, "in the storm", func(try doer) {
		for killed < kills && !t.Failed() {
			time.Sleep(time.Duration(r.Int64N(int64(*capsPause)))) // any moment will do
			core := r.IntN(opt.Cores)
			switch err := try(multikernel.Command{Op: multikernel.OpKill, Core: core}).Err; {
			case err == errRunOver || err == errNoAnswer:
				t.Errorf("kill core %d: %v", core, err)
				continue
			case err != nil:
				continue // it was about to return
			}
			killed++
			before[core] = ready(core)
		}
		for core := range before { // all have to be back when core 0 says that this is the end
			for ready(core) == before[core] && !t.Failed() {
				time.Sleep(time.Millisecond)
			}
		}
		stopped := make(chan multikernel.Reply, 1)
		go func() { stopped <- try(multikernel.Command{Op: multikernel.OpStop, Core: 0, Drain: true}) }()
		var r multikernel.Reply
		select {
		case r = <-stopped:
		case <-time.After(hang() / 4):
			tellMonitors(t, try, opt.Cores)
			r = <-stopped
		}
		if r.Err != nil {
			t.Error(r.Err)
		}
	})
	o.wantOK()
	o.wantLine(0, "pages are free")
	console := o.console()
	if n := strings.Count(console, "killed, as a command asked"); n != killed {
		t.Errorf("the log tells of %d lives that were killed, not %d", n, killed)
	}
	for _, wrong := range []string{"FAILED", "panic:", "fatal error:", "crashed", "exited with code", "stuck", "deadlock", "monitor: core"} {
		if at := strings.Index(console, wrong); at >= 0 {
			t.Errorf("the log says %q: %.300s", wrong, console[at:])
		}
	}
	t.Logf("%d of %d lives were killed in %.0f s", killed, killed+opt.Cores, time.Since(began).Seconds())
}
