package integration

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"

	"github.com/google/pprof/profile"
)

// TestStacksOfALivingCore: a core that computes without calls and one that sleeps tell
// what their goroutines do, and go on.
func TestStacksOfALivingCore(t *testing.T) {
	o := commanded(t, 2, "lopsided", "spinning|sleeping", func(do func(multikernel.Command) multikernel.Reply) {
		for range 3 {
			for core, want := range []string{"main.spin(", "main.asleep("} {
				r := do(multikernel.Command{Op: multikernel.OpStacks, Core: core})
				if r.Err != nil || r.Core != core || r.Life != 1 {
					t.Fatalf("core %d: %+v", core, r)
				}
				if text := string(r.Data); !strings.HasPrefix(text, "goroutine ") || !strings.Contains(text, want) || !strings.Contains(text, "goroutine 1 [") {
					t.Errorf("core %d: the stacks lack %q:\n%s", core, want, text)
				}
			}
		}
		for _, c := range []struct {
			cmd  multikernel.Command
			want string
		}{
			{multikernel.Command{Op: multikernel.OpStacks, Core: 2}, "stacks: core 2: there is no such core"},
			{multikernel.Command{Op: multikernel.OpProfile, Core: 1, Profile: "cups"}, `pprof: core 1: no such profile as "cups": there are cpu, heap,`},
			{multikernel.Command{Op: multikernel.OpProfile, Core: 1, Profile: "cpu", Duration: time.Hour}, "pprof: core 1: a CPU profile of 1h0m0s: take it for up to 10m0s"},
			{multikernel.Command{Op: multikernel.OpStop, Core: 1}, ""},
			{multikernel.Command{Op: multikernel.OpStacks, Core: 1}, "stacks: core 1: it does not live"},
		} {
			if got := message(do(c.cmd).Err); !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
				t.Errorf("%v of core %d: %q, want %q", c.cmd.Op, c.cmd.Core, got, c.want)
			}
		}
		if r := do(multikernel.Command{Op: multikernel.OpShutdown}); r.Err != nil {
			t.Error(r.Err)
		}
	})
	if o.ExitCode != 0 {
		t.Errorf("exit code %d", o.ExitCode)
	}
}

// TestProfilesOfALivingCore: each profile shows what the program does.
func TestProfilesOfALivingCore(t *testing.T) {
	opt := options(t, load(t, "probe", image.LoadOptions{}), 1, "-n", "32", "profiled")
	command(t, opt, "profiled", func(do func(multikernel.Command) multikernel.Reply) {
		take := func(name string) *profile.Profile {
			t.Helper()
			r := do(multikernel.Command{Op: multikernel.OpProfile, Profile: name, Duration: time.Second})
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			p, err := profile.Parse(bytes.NewReader(r.Data))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return p
		}
		// The program gives four of five turns to heavy, by lot, so that each sample is one draw
		// and a hundred are in that order but for one time in a billion. How many a second has,
		// and which share of them the runtime and the monitor take, is the host's to say.
		var heavy, light int64
		for heavy+light < 100 {
			cpu := take("cpu")
			heavy, light = heavy+sum(cpu, "main.heavy", 0), light+sum(cpu, "main.light", 0)
			// samples stand for time that the core had
			if took := time.Duration(sum(cpu, "", 1)); took > time.Duration(cpu.DurationNanos)*11/10 {
				t.Errorf("%v of CPU time in %v", took, time.Duration(cpu.DurationNanos))
			}
		}
		if heavy <= light || light == 0 {
			t.Errorf("%d samples of heavy and %d of light, want four times as many", heavy, light)
		}
		if n := sum(take("heap"), "main.retain", 3); n < 16<<20 || n > 48<<20 {
			t.Errorf("%d bytes retained, about 32 MiB are", n)
		}
		if n := sum(take("goroutine"), "main.waitForEver", 0); n != 1 {
			t.Errorf("%d goroutines wait for ever, 1 does", n)
		}
		if r := do(multikernel.Command{Op: multikernel.OpShutdown}); r.Err != nil {
			t.Error(r.Err)
		}
	})
}

// sum adds up the values of the samples that a function is in.
func sum(p *profile.Profile, function string, value int) (n int64) {
	for _, s := range p.Sample {
		for _, l := range s.Location {
			if function == "" || len(l.Line) > 0 && l.Line[0].Function.Name == function {
				n += s.Value[value]
				break
			}
		}
	}
	return n
}

// TestStacksOfAStuckCore: a core that serves no events is looked at from outside, and one
// that is parked too.
func TestStacksOfAStuckCore(t *testing.T) {
	needGuests(t, "a process is preempted by Linux")
	const says = "core 0: spin on the CPU driver's stack, where it takes no events: the watchdog ends the core, code 70"
	command(t, options(t, load(t, "crash", image.LoadOptions{}), 1, "-core", "0", "stuck"), says, func(do func(multikernel.Command) multikernel.Reply) {
		seen := func(why string) {
			t.Helper()
			var r multikernel.Reply
			for range 100 { // it says that it spins a moment before: until then it answers
				if r = do(multikernel.Command{Op: multikernel.OpStacks}); r.Err != nil {
					t.Fatal(r.Err)
				}
				if strings.Contains(string(r.Data), "in the CPU driver") {
					break
				}
			}
			for _, want := range []string{why, "in the CPU driver:\n  main.spinAt", "called the CPU driver:\n"} {
				if !strings.Contains(string(r.Data), want) {
					t.Errorf("what is seen of it lacks %q:\n%s", want, r.Data)
				}
			}
		}
		seen("core 0: it does not answer within 5s: it computes without ticks, or is stuck")
		r := do(multikernel.Command{Op: multikernel.OpProfile, Profile: "heap"})
		if want := "pprof: core 0: it does not answer within 5s"; !strings.HasPrefix(message(r.Err), want) {
			t.Errorf("%v, want %q", r.Err, want)
		}
		if r := do(multikernel.Command{Op: multikernel.OpPark}); r.Err != nil {
			t.Error(r.Err)
		}
		seen("core 0: it is parked")
		if r := do(multikernel.Command{Op: multikernel.OpShutdown}); r.Err != nil {
			t.Error(r.Err)
		}
	})
}
