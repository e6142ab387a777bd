package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/supervise"
)

// TestLivesOfOneCore: a core is restarted, parked, resumed, updated and stopped, each
// life has its own number, image and entry in the report, and the log has all of them.
func TestLivesOfOneCore(t *testing.T) {
	hello := load(t, "idle", image.LoadOptions{})
	opt := options(t, load(t, "probe", image.LoadOptions{}), 1, "asleep")
	o := command(t, opt, "sleeping", func(do func(multikernel.Command) multikernel.Reply) {
		slept := func(line string) { await(t, opt, line) }
		life := func(op multikernel.Op, drain bool, im *image.Image, want uint64) {
			t.Helper()
			if r := do(multikernel.Command{Op: op, Drain: drain, Image: im}); r.Err != nil || r.Life != want {
				t.Errorf("%v: life %d, %v; want %d", op, r.Life, r.Err, want)
			}
		}
		life(multikernel.OpRestart, false, nil, 2)
		slept("[0.2] sleeping\n") // main was reached before
		life(multikernel.OpRestart, true, nil, 3)
		slept("[0.3] sleeping\n")
		life(multikernel.OpPark, false, nil, 3)
		if r := do(multikernel.Command{Op: multikernel.OpStatus}); r.Status.Cores[0].State != "parked" {
			t.Errorf("a parked core is %s", r.Status.Cores[0].State)
		}
		life(multikernel.OpResume, false, nil, 3)
		life(multikernel.OpUpdate, true, hello, 4)
		life(multikernel.OpPark, false, nil, 4)
		life(multikernel.OpStop, true, nil, 4) // which resumes it
	})
	c := o.Cores[0]
	if c.Life != 4 || c.Image != "idle" || c.State != "stopped" || o.ExitCode != 0 {
		t.Errorf("life %d of %s is %s, the run ended with %d", c.Life, c.Image, c.State, o.ExitCode)
	}
	var lives []string
	for _, l := range c.Lives {
		lives = append(lives, fmt.Sprintf("%d %s %s %d", l.Life, l.Image, l.State, l.ExitCode))
		if l.MainMS <= l.BeganMS || l.EndedMS < l.MainMS {
			t.Errorf("life %d began at %v ms, reached main at %v and ended at %v", l.Life, l.BeganMS, l.MainMS, l.EndedMS)
		}
	}
	want := "1 probe stopped 0, 2 probe stopped 0, 3 probe stopped 0, 4 idle stopped 0"
	if got := strings.Join(lives, ", "); got != want {
		t.Errorf("lives %s, want %s", got, want)
	}
	if n := len(o.logged(0, "sleeping")); n != 3 {
		t.Errorf("%d lives of probe in the core's log, want 3", n)
	}
	for _, line := range []string{"[0] sleeping", "[0.2] sleeping", "[0.3] sleeping", "[vmm] core 0: life 4 begins"} {
		if !strings.Contains(o.console(), line+"\n") {
			t.Errorf("the console lacks %q", line)
		}
	}
}

// TestRestartPolicy: a core that crashes comes back as often as is allowed; then the run
// ends, with a code and a line of its own.
func TestRestartPolicy(t *testing.T) {
	opt := options(t, load(t, "crash", image.LoadOptions{}), 1, "panic")
	opt.Restart = supervise.Policy{Restart: supervise.OnFailure, Intensity: supervise.Intensity{Restarts: 3, Within: hang()}}
	o := run(t, opt)
	if o.ExitCode != multikernel.CodeGaveUp || o.Cores[0].Life != 4 || len(o.Cores[0].Lives) != 4 {
		t.Errorf("exit code %d after life %d", o.ExitCode, o.Cores[0].Life)
	}
	if want := fmt.Sprintf("core 0 has ended again after 3 restarts within %v: stopping all cores", hang()); !strings.Contains(o.console(), want) {
		t.Errorf("the console lacks %q", want)
	}
}

// TestExitIsNoFailure: of cores that are restarted on failure, one that ends well stays
// so, and one that always is begins until somebody stops it.
func TestExitIsNoFailure(t *testing.T) {
	opt := options(t, load(t, "hello", image.LoadOptions{}), 1)
	opt.Restart.Restart = supervise.OnFailure
	o := run(t, opt)
	o.wantOK()
	if o.Cores[0].Life != 1 {
		t.Errorf("life %d", o.Cores[0].Life)
	}
	opt = options(t, load(t, "hello", image.LoadOptions{}), 1)
	opt.Restart = supervise.Policy{Restart: supervise.Always, Intensity: supervise.Intensity{Restarts: 1 << 20, Within: time.Second}}
	kick := make(chan multikernel.Reason, 1)
	opt.Kick = kick
	opt.Console = &spotter{text: "life 5 begins", then: func() { kick <- multikernel.Reason{Text: "the test", Code: 130} }}
	o = run(t, opt)
	if o.ExitCode != 130 || o.Cores[0].Life < 5 {
		t.Errorf("exit code %d in life %d", o.ExitCode, o.Cores[0].Life)
	}
}

// spotter calls then when it has seen a text.
type spotter struct {
	text string
	then func()
	seen strings.Builder
}

func (c *spotter) Write(b []byte) (int, error) {
	c.seen.Write(b)
	if c.then != nil && strings.Contains(c.seen.String(), c.text) {
		c.then()
		c.then = nil
	}
	return len(b), nil
}

// TestDoorbellsBeforeTheDriver: a core whose doorbell is rung all the time begins life
// after life: what comes before its driver is ready waits for it.
func TestDoorbellsBeforeTheDriver(t *testing.T) {
	needGuests(t, "a process looks at its doorbell when it is ready to")
	for _, clone := range []bool{false, true} {
		t.Run(fmt.Sprintf("clone %v", clone), func(t *testing.T) {
			opt := options(t, load(t, "probe", image.LoadOptions{}), 2, "ringing")
			opt.Clone = clone
			o := command(t, opt, "ringing", func(do func(multikernel.Command) multikernel.Reply) {
				for want := uint64(2); want < uint64(scaled(12, 6)); want++ {
					if r := do(multikernel.Command{Op: multikernel.OpRestart}); r.Err != nil || r.Life != want {
						t.Errorf("life %d, %v; want %d", r.Life, r.Err, want)
						break
					}
				}
				do(multikernel.Command{Op: multikernel.OpShutdown})
			})
			for _, c := range o.Cores {
				for _, l := range append(c.Lives, multikernel.LifeReport{State: c.State}) {
					if l.State != "stopped" {
						t.Errorf("core %d: life %d %s", c.Core, l.Life, l.State)
					}
				}
			}
		})
	}
}

// TestNothingIsWrittenAfterTheEnd: a core that is killed in the middle of writing to
// memory of another's writes nothing more once that one knows.
func TestNothingIsWrittenAfterTheEnd(t *testing.T) {
	for _, op := range []multikernel.Op{multikernel.OpKill, multikernel.OpStop} {
		o := commanded(t, 2, "overwritten", "writing", func(do func(multikernel.Command) multikernel.Reply) {
			if r := do(multikernel.Command{Op: op, Core: 1}); r.Err != nil {
				t.Error(r.Err)
			}
		})
		if c := o.Cores[0]; c.State != "exited" || c.ExitCode != 0 {
			t.Errorf("%v: core 0 %s with code %d", op, c.State, c.ExitCode)
		}
		o.wantLine(0, "core 1 is over after ")
	}
}
