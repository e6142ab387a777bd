package integration

import (
	"fmt"
	"testing"
	"time"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/supervise"
)

// TestClones: cores that are copies of one that was booted do all that cores do, and
// draw numbers of their own.
func TestClones(t *testing.T) {
	needGuests(t, "processes are started, not copied")
	for _, c := range []struct {
		name  string
		cores int
		args  []string
	}{
		{"hello", 3, nil},
		{"pingpong", 2, []string{"-n", "2000"}},
		{"memory", 1, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			opt := options(t, load(t, c.name, image.LoadOptions{}), c.cores, c.args...)
			opt.Clone = true
			o := run(t, opt)
			o.wantOK()
			for _, core := range o.Cores {
				o.wantMaps(core)
			}
		})
	}
	t.Run("random", func(t *testing.T) {
		const cores = 4
		opt := options(t, load(t, "crash", image.LoadOptions{}), cores, "draw")
		opt.Clone = true
		o := run(t, opt)
		o.wantOK()
		seen := map[string]bool{}
		for i := range cores {
			for _, line := range o.logged(i, "drew ") {
				if seen[line] {
					t.Errorf("core %d: %s, as another did", i, line)
				}
				seen[line] = true
			}
		}
		if len(seen) != 3*cores { // by math/rand, crypto/rand, and another thread
			t.Errorf("%d draws, want %d", len(seen), 3*cores)
		}
	})
	t.Run("lives", func(t *testing.T) {
		const lives = 4 // of each core, most of them made ahead
		opt := options(t, load(t, "crash", image.LoadOptions{}), 2, "draw")
		opt.Clone = true
		opt.Restart = supervise.Policy{Restart: supervise.Always, Strategy: supervise.OneForAll, Intensity: supervise.Intensity{Restarts: 1 << 20, Within: time.Second}}
		kick := make(chan multikernel.Reason, 1)
		opt.Kick = kick
		opt.Console = &spotter{text: fmt.Sprintf("core 0: life %d begins", lives+1), then: func() { kick <- multikernel.Reason{Text: "the test", Code: 130} }}
		o := run(t, opt)
		seen := map[string]bool{}
		for i := range o.Cores {
			for _, line := range o.logged(i, "drew ") {
				if seen[line] {
					t.Errorf("core %d: %s, as another life did", i, line)
				}
				seen[line] = true
			}
		}
		if len(seen) < 3*lives {
			t.Errorf("%d draws, want at least %d", len(seen), 3*lives)
		}
		if o.ExitCode != 130 {
			t.Errorf("exit code %d, want 130", o.ExitCode)
		}
	})
	t.Run("crash", func(t *testing.T) {
		opt := options(t, load(t, "crash", image.LoadOptions{}), 3, "-core", "2", "driver")
		opt.Clone = true
		o := run(t, opt)
		if c := o.Cores[2]; c.State != "crashed" || c.ExitCode != multikernel.CodeCrash {
			t.Errorf("core 2 %s with code %d", c.State, c.ExitCode)
		}
		wantUnharmed(o, 2)
		o.wantLine(2, fmt.Sprintf("core %d: pass the CPU driver", 2))
	})
}
