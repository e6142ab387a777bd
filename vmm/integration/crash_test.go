package integration

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"barreleye/vmm/autopsy"
	"barreleye/vmm/image"
	"barreleye/vmm/kvm"
	"barreleye/vmm/multikernel"

	"golang.org/x/sys/unix"
)

func TestExitCodes(t *testing.T) {
	for _, code := range []int{0, 1, 3, 255} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			o := boot(t, "crash", 2, "-core", "1", "exit", fmt.Sprint(code))
			c := o.Cores[1]
			if c.State != "exited" || c.ExitCode != code || o.ExitCode != code {
				t.Errorf("core 1 %s with code %d, the run ended with %d, want %d", c.State, c.ExitCode, o.ExitCode, code)
			}
			if code != 0 && !strings.Contains(c.Error, fmt.Sprintf("exited with code %d", code)) {
				t.Errorf("error %q does not name the code", c.Error)
			}
			wantUnharmed(o, 1)
		})
	}
}

func TestCrashForms(t *testing.T) {
	for _, c := range []struct {
		form, line string // on core 0; the other says nothing
		code       int
	}{
		{"list", "deadlock  every core waits", 0},
		{"nope", `crash: unknown form "nope"`, 64},
	} {
		t.Run(c.form, func(t *testing.T) {
			o := boot(t, "crash", 2, c.form)
			if o.ExitCode != c.code {
				t.Errorf("the run ended with %d, want %d", o.ExitCode, c.code)
			}
			o.wantLine(0, c.line)
			o.wantLine(0, "list      print this list")
		})
	}
}

// wantUnharmed wants all cores but one to have done their work.
func wantUnharmed(o *outcome, broken int) {
	o.t.Helper()
	for i, c := range o.Cores {
		if i == broken {
			continue
		}
		if c.State != "exited" || c.ExitCode != 0 || c.Error != "" {
			o.t.Errorf("core %d: %s with code %d: %s", i, c.State, c.ExitCode, c.Error)
		}
		o.wantLine(i, "unharmed")
	}
}

func TestCrashesStayOnTheirCore(t *testing.T) {
	for _, c := range []struct {
		form, state string
		code        int
		lines       []string // of the core's log
		errors      []string // of its report
	}{
		{"nil", "exited", 2, []string{"invalid memory address or nil pointer dereference", "main.dereferenceNil"}, nil},
		{"recover", "exited", 0, []string{"recovered: runtime error: invalid memory address or nil pointer dereference"}, nil},
		{"index", "exited", 2, []string{"index out of range [3] with length 3", "main.indexOutOfRange"}, nil},
		{"divide", "exited", 2, []string{"integer divide by zero", "main.divide"}, nil},
		{"panic", "exited", 2, []string{"panic: the goroutine's own words"}, nil},
		{"overflow", "exited", 2, []string{"stack exceeds 16777216-byte limit", "fatal error: stack overflow", "main.descend"}, nil},
		{"unmapped", "exited", 2, []string{"unexpected fault address 0x1234567000", "main.readUnmapped"}, nil},
		{"jump", "exited", 2, []string{"unexpected fault address 0x1234567000", "pc=0x1234567000", "main.jumpUnmapped"}, nil},
		{"text", "exited", 2, []string{"unexpected fault address", "main.writeText"}, nil},
		{"ud2", "exited", 2, []string{"SIGILL: illegal instruction", "main.undefinedInstruction"}, nil},
		{"hlt", "exited", 2, []string{"signal SIGSEGV", "main.privilegedInstruction"}, nil},
		{"driver", "crashed", multikernel.CodeCrash, nil, []string{"crashed: page fault on read of 0x1234567000 in the CPU driver", "memmove", "rip=0x", "core-2.log"}},
		{"triple", "crashed", multikernel.CodeCrash, nil, []string{"triple fault at", "main.tripleFault", "rip=0x"}},
		{"device", "crashed", multikernel.CodeCrash, nil, []string{"write to physical address 0xe0001800", "main.writeDevice"}},
		{"stuck", "crashed", multikernel.CodeCrash, nil, []string{"core 2: stuck: no event served in ", "main.spinAt", "--watchdog 0"}},
		{"kill", "crashed", multikernel.CodeCrash, nil, []string{"crashed: killed by SIGKILL, process ", "core-2.log"}},
	} {
		t.Run(c.form, func(t *testing.T) {
			switch c.form {
			case "driver", "triple", "device", "stuck":
				needGuests(t, "a process has Linux instead of a driver")
			case "kill":
				if !onHosted() {
					t.Skip("of processes only: a virtual machine has nobody to kill it")
				}
			}
			const broken = 2
			opt := options(t, load(t, "crash", image.LoadOptions{}), 3, "-core", fmt.Sprint(broken), c.form)
			opt.Watchdog = 2 * time.Second
			o := run(t, opt)
			got := o.Cores[broken]
			if got.State != c.state || got.ExitCode != c.code || o.ExitCode != c.code {
				t.Errorf("core %d %s with code %d, the run ended with %d; want %s with code %d", broken, got.State, got.ExitCode, o.ExitCode, c.state, c.code)
			}
			for _, text := range c.lines {
				o.wantLine(broken, text)
			}
			if c.form == "triple" && o.Flavour == kvm.SVM {
				c.errors = []string{"triple fault: the CPU was reset by the fault, its registers are lost"}
			}
			if c.code != 0 && c.errors == nil {
				c.errors = []string{fmt.Sprintf("core %d: exited with code %d", broken, c.code), "core-2.log"}
			}
			for _, text := range c.errors {
				if !strings.Contains(got.Error, text) {
					t.Errorf("error %q lacks %q", got.Error, text)
				}
				if !strings.Contains(o.console(), got.Error) {
					t.Error("the console lacks the error")
				}
			}
			if strings.Contains(got.Error, "\n") {
				t.Errorf("error %q is more than a line", got.Error)
			}
			if c.state == "exited" || c.form == "driver" {
				o.wantMaps(got) // which it published as it ended
			}
			wantUnharmed(o, broken)
			if c.code != 0 {
				// of what the triple fault's core left, the page tables are gone
				o.wantAutopsy(broken, got.Error, c.form != "triple")
			}
			if c.form == "driver" {
				for _, call := range []string{"in the CPU driver:", "  runtime.memmove+", "  barreleye/guest/cpudriver.syscallEntry+", "called by thread ", "  main.faultDriver+", "  main.main+", "  runtime.goexit+"} {
					if !strings.Contains(o.console(), "[vmm] "+call) {
						t.Errorf("the console lacks the call %q", call)
					}
				}
			}
		})
	}
}

// wantAutopsy wants a core that ended badly to have left a record that says so and
// what its program did, with its memory if that can be reached.
func (o *outcome) wantAutopsy(core int, end string, whole bool) {
	o.t.Helper()
	record, err := autopsy.Read(filepath.Join(o.opt.Dir, autopsy.FileName(core, 1)))
	if err != nil {
		o.t.Fatal(err)
	}
	if record.End != end || record.Core != core {
		o.t.Errorf("the record is of core %d and says %q, want %q", record.Core, record.End, end)
	}
	if !slices.ContainsFunc(record.Channels, func(c autopsy.Channel) bool { return c.Name == "monitor" && c.Sent }) {
		o.t.Errorf("the record has no channel of the monitor: %+v", record.Channels)
	}
	if onHosted() || !whole {
		return
	}
	stacks := ""
	for _, t := range record.Threads {
		stacks += strings.Join(t.Stack, "\n") + "\n"
	}
	// that which ended it, the runtime's monitor and at least one more
	if len(record.Threads) < 3 || !strings.Contains(stacks, "runtime.") || len(record.Maps) == 0 || len(record.Counters) == 0 {
		o.t.Errorf("the record has %d threads, %d kinds of memory, %d counters; stacks:\n%s",
			len(record.Threads), len(record.Maps), len(record.Counters), stacks)
	}
}

// TestPagesUsedTooLate: in the debug mode, using a page after it was handed over
// ends the core that does, with a line that says so and the goroutine's stack.
func TestPagesUsedTooLate(t *testing.T) {
	for way, what := range map[string]string{
		"read":     "page 1 of the pool with core 2 used after it was handed over",
		"write":    "page 1 of the pool with core 2 used after it was handed over",
		"released": "page 1 of the pool with core 2 used after it was released",
		"granted":  "page 1 of the pool with core 2 used after it was granted to another core",
	} {
		t.Run(way, func(t *testing.T) {
			const broken = 1
			opt := options(t, load(t, "crash", image.LoadOptions{}), 3, "-core", fmt.Sprint(broken), "pages", way)
			opt.Debug = []string{multikernel.DebugPages}
			o := run(t, opt)
			if c := o.Cores[broken]; c.State != "exited" || c.ExitCode != 2 {
				t.Errorf("core %d %s with code %d, want exited with code 2", broken, c.State, c.ExitCode)
			}
			for _, text := range []string{what, "unexpected fault address", "main.usePages"} {
				o.wantLine(broken, text)
			}
			wantUnharmed(o, broken)
		})
	}
}

// TestPagesAreNotGuarded: without the debug mode nobody looks.
func TestPagesAreNotGuarded(t *testing.T) {
	o := boot(t, "crash", 3, "-core", "1", "pages", "write")
	if o.Cores[1].ExitCode != 1 {
		t.Errorf("core 1 exited with code %d, want 1", o.Cores[1].ExitCode)
	}
	o.wantLine(1, "the byte is 2: run with --debug pages")
	wantUnharmed(o, 1)
}

func TestOutOfMemoryIsExplained(t *testing.T) {
	opt := options(t, load(t, "crash", image.LoadOptions{}), 2, "-core", "0", "oom")
	opt.Memory = 64 << 20
	o := run(t, opt)
	if !onHosted() { // the driver's own lines
		o.wantLine(0, "out of memory: mapping of ")
		o.wantLine(0, "run with a larger --max-memory")
	}
	// what Go wanted the memory for differs
	if said := o.logged(0, "fatal error: "); len(said) != 1 || !strings.Contains(said[0], "out of memory") {
		t.Errorf("core 0 ended with %q", said)
	}
	o.wantLine(0, "main.exhaust")
	if c := o.Cores[0]; c.State != "exited" || c.ExitCode != 2 {
		t.Errorf("core 0 %s with code %d, want exited with 2", c.State, c.ExitCode)
	}
	wantUnharmed(o, 0)
}

func TestDeadlockIsFoundAndShown(t *testing.T) {
	for _, cores := range []int{1, 2, 4} {
		t.Run(fmt.Sprintf("%d cores", cores), func(t *testing.T) {
			o := boot(t, "crash", cores, "deadlock")
			if o.ExitCode != multikernel.CodeDeadlock {
				t.Errorf("exit code %d, want %d", o.ExitCode, multikernel.CodeDeadlock)
			}
			if !strings.Contains(o.console(), "[vmm] deadlock") {
				t.Error("the console does not say that there is a deadlock")
			}
			for i := range cores {
				o.wantLine(i, "SIGQUIT: quit")
				o.wantLine(i, "main.waitForNobody")
				o.wantLine(i, "monitor.(*Monitor).answer")
			}
		})
	}
}

func TestWaitingForATimerIsNoDeadlock(t *testing.T) {
	boot(t, "probe", 2, "-n", "2", "-d", "1s", "sleeps").wantOK()
}

// TestWaitingForASignalIsNoDeadlock: cores that do nothing but wait to be asked
// to end live on. The signal comes after the time that a deadlock is found in.
func TestWaitingForASignalIsNoDeadlock(t *testing.T) {
	opt := options(t, load(t, "probe", image.LoadOptions{}), 2, "drain")
	kick := make(chan multikernel.Reason, 1)
	opt.Kick, opt.Grace = kick, hang()
	opt.Console = newWatcher([]string{"ready", "ready"}, func() {
		time.AfterFunc(1500*time.Millisecond, func() {
			kick <- multikernel.Reason{Text: "the test", Code: 143, Signal: unix.SIGTERM}
		})
	})
	o := run(t, opt)
	if o.ExitCode != 143 {
		t.Errorf("exit code %d, want 143", o.ExitCode)
	}
	for i := range o.Cores {
		o.wantLine(i, "asked by terminated, drained")
	}
}

func TestStopEndsEveryCore(t *testing.T) {
	for _, c := range []struct {
		task string
		up   []string // what each core prints when it is where the stop has to find it
	}{
		{"spin", []string{"spinning", "spinning"}},
		{"asleep", []string{"sleeping", "sleeping"}},
		{"lopsided", []string{"spinning", "sleeping"}},
	} {
		for _, tick := range []time.Duration{0, 10 * time.Millisecond} {
			t.Run(fmt.Sprintf("%s tick %v", c.task, tick), func(t *testing.T) {
				opt := options(t, load(t, "probe", image.LoadOptions{}), 2, c.task)
				opt.Tick = tick
				kick := make(chan multikernel.Reason, 1)
				opt.Kick = kick
				opt.Console = newWatcher(c.up, func() {
					kick <- multikernel.Reason{Text: "the test", Code: 130}
				})
				guard := time.AfterFunc(hang(), func() { kick <- multikernel.Reason{Text: "hung", Code: codeHung} })
				defer guard.Stop()
				o := run(t, opt)
				if o.ExitCode != 130 {
					t.Errorf("exit code %d, want 130", o.ExitCode)
				}
				for _, c := range o.Cores {
					if c.State != "stopped" || c.ExitCode != 0 || c.Error != "" {
						t.Errorf("core %d is %s, code %d, error %q; want stopped", c.Core, c.State, c.ExitCode, c.Error)
					}
				}
				if !strings.Contains(o.console(), "the test: stopping 2 cores") {
					t.Error("the console does not name the reason")
				}
				t.Logf("stopped %v after it was asked to", time.Since(opt.Console.(*watcher).at))
			})
		}
	}
}

// ask runs a task of the probe on two cores, and asks them to end by a signal
// when both are ready.
func ask(t *testing.T, task string, grace time.Duration) *outcome {
	t.Helper()
	opt := options(t, load(t, "probe", image.LoadOptions{}), 2, task)
	kick := make(chan multikernel.Reason, 1)
	opt.Kick, opt.Grace = kick, grace
	opt.Console = newWatcher([]string{"ready", "ready"}, func() {
		kick <- multikernel.Reason{Text: "the test", Code: 143, Signal: unix.SIGTERM}
	})
	guard := time.AfterFunc(hang(), func() { kick <- multikernel.Reason{Text: "hung", Code: codeHung} })
	defer guard.Stop()
	o := run(t, opt)
	if o.ExitCode != 143 {
		t.Errorf("exit code %d, want 143", o.ExitCode)
	}
	return o
}

// TestProgramsMayDrain: a program that handles the signal ends as it likes.
func TestProgramsMayDrain(t *testing.T) {
	o := ask(t, "drain", hang())
	for i, c := range o.Cores {
		o.wantLine(i, "asked by terminated, drained")
		if c.State != "exited" || c.ExitCode != 0 || c.Error != "" {
			t.Errorf("core %d is %s, code %d, error %q; want exited", i, c.State, c.ExitCode, c.Error)
		}
	}
}

// TestProgramsThatDoNotCareEnd: the signal ends a program that does not handle
// it, without any error to report.
func TestProgramsThatDoNotCareEnd(t *testing.T) {
	opt := options(t, load(t, "probe", image.LoadOptions{}), 2, "lopsided")
	kick := make(chan multikernel.Reason, 1)
	opt.Kick, opt.Grace = kick, hang()
	opt.Console = newWatcher([]string{"spinning", "sleeping"}, func() {
		kick <- multikernel.Reason{Text: "the test", Code: 130, Signal: unix.SIGINT}
	})
	o := run(t, opt)
	for i, c := range o.Cores {
		if c.State != "stopped" || c.ExitCode != 0 || c.Error != "" {
			t.Errorf("core %d is %s, code %d, error %q; want stopped", i, c.State, c.ExitCode, c.Error)
		}
	}
}

// TestGraceEnds: programs that ignore the signal are stopped after their time.
func TestGraceEnds(t *testing.T) {
	o := ask(t, "stubborn", 50*time.Millisecond)
	for i, c := range o.Cores {
		if c.State != "stopped" || c.ExitCode != 0 {
			t.Errorf("core %d is %s, code %d; want stopped", i, c.State, c.ExitCode)
		}
	}
	if !strings.Contains(o.console(), "2 cores did not end within 50ms: stopping them") {
		t.Error("the console does not say that they were stopped")
	}
}

// TestAskedTwiceStops: the second time the cores are stopped, however long the
// programs may still take. The run ended for the first reason.
func TestAskedTwiceStops(t *testing.T) {
	opt := options(t, load(t, "probe", image.LoadOptions{}), 2, "stubborn")
	kick := make(chan multikernel.Reason, 2)
	opt.Kick, opt.Grace = kick, time.Hour
	opt.Console = newWatcher([]string{"ready", "ready"}, func() {
		kick <- multikernel.Reason{Text: "the test", Code: 130, Signal: unix.SIGINT}
		kick <- multikernel.Reason{Text: "once more", Code: 0, Signal: unix.SIGTERM}
	})
	o := run(t, opt)
	for i, c := range o.Cores {
		if c.State != "stopped" || c.ExitCode != 0 || o.ExitCode != 130 {
			t.Errorf("core %d is %s, code %d, the run ended with %d; want stopped, 130", i, c.State, c.ExitCode, o.ExitCode)
		}
	}
	for _, line := range []string{"the test: asking 2 cores to end", "once more: stopping 2 cores"} {
		if !strings.Contains(o.console(), line) {
			t.Errorf("the console lacks %q", line)
		}
	}
}
