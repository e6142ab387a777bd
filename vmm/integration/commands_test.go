package integration

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"barreleye/vmm/image"
	"barreleye/vmm/lifecycle"
	"barreleye/vmm/multikernel"
)

// commanded runs a task of the probe on some cores, and script once all of them have
// printed ready. script asks the run for things by do.
func commanded(t *testing.T, cores int, task, ready string, script func(do func(multikernel.Command) multikernel.Reply)) *outcome {
	t.Helper()
	return command(t, options(t, load(t, "probe", image.LoadOptions{}), cores, task), ready, script)
}

// doer asks a run for something.
type doer = func(multikernel.Command) multikernel.Reply

// Errors of a doer, beside the run's own.
var (
	errRunOver  = errors.New("the run had ended")
	errNoAnswer = errors.New("no answer")
)

// command is commanded with options of any kind. ready may be a line for each core, "|" between them.
func command(t *testing.T, opt *multikernel.Options, ready string, script func(do doer)) *outcome {
	t.Helper()
	return attempt(t, opt, ready, func(try doer) {
		script(func(cmd multikernel.Command) multikernel.Reply {
			r := try(cmd)
			if r.Err == errRunOver || r.Err == errNoAnswer {
				t.Errorf("%v: %v", cmd.Op, r.Err)
				return multikernel.Reply{}
			}
			return r
		})
	})
}

// attempt is command where it is no failure that the run has ended.
func attempt(t *testing.T, opt *multikernel.Options, ready string, script func(try doer)) *outcome {
	t.Helper()
	commands, over, done := make(chan multikernel.Command), make(chan struct{}), make(chan struct{})
	try := func(cmd multikernel.Command) multikernel.Reply {
		reply := make(chan multikernel.Reply, 1)
		cmd.Reply = reply
		select {
		case commands <- cmd:
		case <-over:
			return multikernel.Reply{Err: errRunOver}
		}
		select {
		case r := <-reply:
			return r
		case <-time.After(hang()):
			return multikernel.Reply{Err: errNoAnswer}
		}
	}
	opt.Commands, opt.Grace = commands, hang()
	up := strings.Split(ready, "|")
	for len(up) < opt.Cores {
		up = append(up, ready)
	}
	var begun atomic.Bool
	opt.Console = newWatcher(up, func() {
		begun.Store(true)
		go func() { // the console goes on
			defer close(done)
			script(try)
		}()
	})
	o := run(t, opt)
	close(over)
	if !begun.Load() {
		t.Fatalf("the run ended before all cores had printed %q", ready)
	}
	<-done
	return o
}

// await returns once the console of a run of command has shown a text.
func await(t *testing.T, opt *multikernel.Options, text string) {
	t.Helper()
	w := opt.Console.(*watcher)
	for deadline := time.Now().Add(hang()); !w.has(text); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %q on the console", text)
		}
	}
}

// TestCommands: a core is stopped while the other goes on, and that one killed; what
// cannot be is refused.
func TestCommands(t *testing.T) {
	o := commanded(t, 2, "spin", "spinning", func(do func(multikernel.Command) multikernel.Reply) {
		for _, c := range []struct {
			cmd  multikernel.Command
			want string
		}{
			{multikernel.Command{Op: multikernel.OpStop, Core: 2}, "stop: core 2: there is no such core"},
			{multikernel.Command{Op: multikernel.OpKill, Core: -1}, "kill: core -1: there is no such core"},
			{multikernel.Command{Op: multikernel.OpStop, Core: 1}, ""},
			{multikernel.Command{Op: multikernel.OpStop, Core: 1}, "stop: core 1: it does not live"},
		} {
			r := do(c.cmd)
			if got := message(r.Err); c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
				t.Errorf("%v of core %d: %q, want %q", c.cmd.Op, c.cmd.Core, got, c.want)
			}
		}
		r := do(multikernel.Command{Op: multikernel.OpStatus})
		for i, want := range []string{"running", "stopped"} {
			if got := r.Status.Cores[i].State; got != want {
				t.Errorf("core %d is %s, want %s", i, got, want)
			}
		}
		if r := do(multikernel.Command{Op: multikernel.OpKill, Core: 0}); r.Err != nil || r.Life != 1 {
			t.Errorf("kill: %+v", r)
		}
	})
	if o.ExitCode != multikernel.CodeCrash || o.Cores[0].State != "crashed" || !strings.Contains(o.Cores[0].Error, "killed, as a command asked") {
		t.Errorf("exit code %d, core 0 %s: %s", o.ExitCode, o.Cores[0].State, o.Cores[0].Error)
	}
	if o.Cores[1].State != "stopped" || o.Cores[1].ExitCode != 0 {
		t.Errorf("core 1 is %s with code %d", o.Cores[1].State, o.Cores[1].ExitCode)
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestShutdownCommand: programs that are told end as they like, and others at once;
// neither is an error of the run.
func TestShutdownCommand(t *testing.T) {
	for _, drain := range []bool{true, false} {
		o := commanded(t, 2, "drain", "ready", func(do func(multikernel.Command) multikernel.Reply) {
			if r := do(multikernel.Command{Op: multikernel.OpShutdown, Drain: drain}); r.Err != nil {
				t.Error(r.Err)
			}
		})
		want := map[bool]string{true: "exited", false: "stopped"}[drain]
		for i, c := range o.Cores {
			if c.State != want || c.ExitCode != 0 || o.ExitCode != 0 {
				t.Errorf("drain %v: core %d is %s with code %d, the run ended with %d", drain, i, c.State, c.ExitCode, o.ExitCode)
			}
		}
		if drain {
			o.wantLine(0, "asked by terminated, drained")
		}
	}
}

// TestCommandsAtTheEnd: an update whose image is being loaded as the run ends is answered.
func TestCommandsAtTheEnd(t *testing.T) {
	probe := load(t, "probe", image.LoadOptions{})
	for range scaled(10, 3) {
		opt := options(t, probe, 1, "asleep")
		commands, answers := make(chan multikernel.Command), make(chan multikernel.Reply, 2)
		opt.Commands = commands
		opt.Console = newWatcher([]string{"sleeping"}, func() {
			go func() {
				for _, cmd := range []multikernel.Command{{Op: multikernel.OpUpdate, Image: probe}, {Op: multikernel.OpShutdown}} {
					cmd.Reply = answers
					commands <- cmd
				}
			}()
		})
		run(t, opt)
		for range 2 {
			select {
			case r := <-answers:
				if r.Err != nil && !errors.Is(r.Err, lifecycle.ErrEnding) && !errors.Is(r.Err, multikernel.ErrEnded) {
					t.Error(r.Err)
				}
			default:
				t.Fatal("a command has no answer after the end of the run")
			}
		}
	}
}

// TestGraceIsOfOneLife: the time that a life was given to end says nothing of the next one.
func TestGraceIsOfOneLife(t *testing.T) {
	const grace = time.Second
	o := commanded(t, 2, "drain", "ready", func(do func(multikernel.Command) multikernel.Reply) {
		if r := do(multikernel.Command{Op: multikernel.OpRestart, Core: 1, Drain: true, Grace: grace}); r.Err != nil || r.Life != 2 {
			t.Errorf("restart: %+v", r)
		}
		time.Sleep(grace + grace/4) // until that time is over
		if r := do(multikernel.Command{Op: multikernel.OpShutdown, Drain: true}); r.Err != nil {
			t.Error(r.Err)
		}
	})
	console := o.console()
	if drained := strings.Contains(console, "[1] asked by terminated, drained"); drained == strings.Contains(console, "core 1 did not end within") {
		t.Errorf("core 1 drained in its first life: %v, and the log says:\n%s", drained, console)
	}
}
