package integration

import (
	"testing"
	"time"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
)

// TestParkedWhileAsleep: cores that are to be parked while they sleep are woken by each
// message, by their timers, and by commands, and lose nothing.
func TestParkedWhileAsleep(t *testing.T) {
	for _, c := range []struct {
		image string
		idle  string
		args  []string
	}{
		{"probe", multikernel.IdleHalt, []string{"-n", "20", "-d", "70ms", "parks"}}, // as the program decides
		{"wake", multikernel.IdlePark, []string{"-n", "30", "-min", "60ms", "-max", "90ms"}},
		{"wake", multikernel.IdlePark, []string{"-n", "300", "-min", "0", "-max", "30ms"}}, // some are woken as they are about to be
		{"probe", multikernel.IdlePark, []string{"-n", "20", "-d", "70ms", "sleeps"}},
	} {
		opt := options(t, load(t, c.image, image.LoadOptions{}), 2, c.args...)
		opt.Idle = c.idle
		o := run(t, opt)
		o.wantOK()
		if n := o.Cores[1].Parks; (n == 0) != onHosted() { // how often, the host's load decides
			t.Errorf("%s %v: parked %d times", c.image, c.args, n)
		}
	}
}

// TestCommandsForAParkedCore: one that is parked by its own policy takes commands as
// others do.
func TestCommandsForAParkedCore(t *testing.T) {
	opt := options(t, load(t, "probe", image.LoadOptions{}), 2, "asleep")
	opt.Idle = multikernel.IdlePark
	o := command(t, opt, "sleeping", func(do func(multikernel.Command) multikernel.Reply) {
		parked := func() {
			for start := time.Now(); !onHosted(); {
				r := do(multikernel.Command{Op: multikernel.OpStatus})
				if r.Status.Cores[1].Parks > 0 {
					return
				}
				if time.Since(start) > hang() {
					t.Fatal("it is never parked")
				}
			}
		}
		parked()
		for _, op := range []multikernel.Op{multikernel.OpStacks, multikernel.OpPark, multikernel.OpResume, multikernel.OpRestart} {
			if r := do(multikernel.Command{Op: op, Core: 1}); r.Err != nil {
				t.Errorf("%v: %v", op, r.Err)
			}
		}
		parked()
		if r := do(multikernel.Command{Op: multikernel.OpStop, Core: 1, Drain: true}); r.Err != nil || r.Life != 2 {
			t.Errorf("%+v", r)
		}
		if r := do(multikernel.Command{Op: multikernel.OpShutdown}); r.Err != nil {
			t.Error(r.Err)
		}
	})
	if o.ExitCode != 0 {
		t.Errorf("exit code %d", o.ExitCode)
	}
}
