package integration

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"barreleye/devices/region"
	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/observe"

	"golang.org/x/sys/unix"
)

// watcher is a console that calls then once every core i printed want[i], where
// that is not empty, as a line.
type watcher struct {
	mu   sync.Mutex
	want map[string]bool
	then func()
	at   time.Time // when it called
	text bytes.Buffer
}

func newWatcher(want []string, then func()) *watcher {
	w := &watcher{want: map[string]bool{}, then: then}
	for core, line := range want {
		if line == "" {
			continue
		}
		w.want[fmt.Sprintf("[%d] %s\n", core, line)] = true
	}
	return w
}

func (w *watcher) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(b)
	for line := range w.want {
		if bytes.Contains(w.text.Bytes(), []byte(line)) {
			delete(w.want, line)
		}
	}
	if len(w.want) == 0 && w.at.IsZero() {
		w.at = time.Now()
		w.then()
	}
	return len(b), nil
}

// has reports whether a text was written.
func (w *watcher) has(text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return bytes.Contains(w.text.Bytes(), []byte(text))
}

func TestOutputIsCompleteAndInOrder(t *testing.T) {
	n := scaled(100_000, 10_000)
	o := boot(t, "probe", 2, "-n", fmt.Sprint(n), "lines")
	o.wantOK()
	wantLines(o, n)
	if o.Cores[0].LogBlocks == 0 {
		t.Logf("core 0 never had to wait for log space")
	}
}

// wantLines wants the numbered lines in each core's file, and in the same
// order on the console.
func wantLines(o *outcome, n int) {
	o.t.Helper()
	console := make([]strings.Builder, len(o.Cores))
	for line := range strings.Lines(o.console()) {
		for i := range console {
			if text, ok := strings.CutPrefix(line, fmt.Sprintf("[%d] ", i)); ok {
				console[i].WriteString(text)
			}
		}
	}
	for core := range o.Cores {
		var want strings.Builder
		for i := range n {
			fmt.Fprintf(&want, "core %d line %d\n", core, i)
		}
		for where, got := range map[string]string{"its file": o.log(core), "the console": console[core].String()} {
			if got == want.String() {
				continue
			}
			a, b := strings.Split(got, "\n"), strings.Split(want.String(), "\n")
			i := 0
			for i < min(len(a), len(b))-1 && a[i] == b[i] {
				i++
			}
			o.t.Errorf("core %d: %d lines in %s, want %d; line %d reads %q", core, len(a)-1, where, n, i, a[i])
		}
	}
}

// blocked is a console that takes nothing until it is released.
type blocked struct {
	released chan struct{}
	text     bytes.Buffer
}

func (b *blocked) Write(p []byte) (int, error) {
	<-b.released
	return b.text.Write(p)
}

func TestBlockedConsoleHoldsUpNoCore(t *testing.T) {
	n := scaled(20_000, 5_000)
	opt := options(t, load(t, "probe", image.LoadOptions{}), 2, "-n", fmt.Sprint(n), "lines")
	console := &blocked{released: make(chan struct{})}
	opt.Console = console
	finished := make(chan bool, 1)
	go func() {
		// all of it is in the files while the console has not taken a byte
		defer close(console.released)
		for deadline := time.Now().Add(hang()); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			last := 0
			for core := range 2 {
				b, _ := os.ReadFile(filepath.Join(opt.Dir, observe.CoreFile(core)))
				if bytes.HasSuffix(b, fmt.Appendf(nil, "core %d line %d\n", core, n-1)) {
					last++
				}
			}
			if last == 2 {
				finished <- true
				return
			}
		}
		finished <- false
	}()
	o := run(t, opt)
	if !<-finished {
		t.Fatal("the cores waited for the console")
	}
	o.wantOK()
	wantLines(o, n)
	if console.text.String() != o.console() {
		t.Errorf("the console got %d bytes, the file has %d", console.text.Len(), len(o.console()))
	}
}

// drained returns options of a run of cores that drain: once all have written that they are
// ready, first is called and the run is asked to end. Its console is a watcher.
func drained(t *testing.T, cores int, why multikernel.Reason, first func()) (*multikernel.Options, chan<- multikernel.Reason) {
	opt := options(t, load(t, "probe", image.LoadOptions{}), cores, "drain")
	kick := make(chan multikernel.Reason, 1)
	opt.Kick, opt.Grace = kick, hang()
	opt.Console = newWatcher(slices.Repeat([]string{"ready"}, cores), func() {
		first()
		kick <- why
	})
	return opt, kick
}

// slow is a console that asks for the run's end, and then takes its time over each line.
type slow struct {
	*watcher
	asked atomic.Bool
}

func (s *slow) Write(b []byte) (int, error) {
	if s.asked.Load() {
		time.Sleep(700 * time.Millisecond) // a slow one: the run has ended by then
	}
	return s.watcher.Write(b)
}

// TestSlowConsoleGetsAll: a run that was asked to end ends when its console has all lines.
func TestSlowConsoleGetsAll(t *testing.T) {
	console := &slow{}
	opt, _ := drained(t, 3, multikernel.Reason{Text: "the test", Code: 130, Signal: unix.SIGTERM}, func() { console.asked.Store(true) })
	console.watcher = opt.Console.(*watcher)
	opt.Console = console
	o := run(t, opt)
	if got := console.text.String(); got != o.console() {
		t.Errorf("the console got %q, the file has %q", got, o.console())
	}
}

// stopped is a console that asks for the run's end, and then takes nothing any more.
type stopped struct {
	*watcher
	asked, released chan struct{}
}

func (s *stopped) Write(b []byte) (int, error) {
	select {
	case <-s.asked:
		<-s.released
	default:
	}
	return s.watcher.Write(b)
}

// TestStoppedConsoleHoldsUpNoEnd: a run that was asked to end does so, whatever its
// terminal is about; and where its console is something else, once it is asked again.
func TestStoppedConsoleHoldsUpNoEnd(t *testing.T) {
	const terminal, kicked, shut = "a terminal", "asked again by a signal", "asked again by a command"
	for _, how := range []string{terminal, kicked, shut} {
		console := &stopped{asked: make(chan struct{}), released: make(chan struct{})}
		defer close(console.released)
		opt, kick := drained(t, 2, multikernel.Reason{Text: "the test", Code: 130, Signal: unix.SIGTERM}, func() { close(console.asked) })
		commands := make(chan multikernel.Command, 2)
		opt.Commands, opt.MayBlock = commands, how == terminal
		console.watcher = opt.Console.(*watcher)
		opt.Console = console
		late, again := make(chan multikernel.Reply, 1), make(chan multikernel.Reply, 1)
		switch how {
		case kicked:
			opt.Inspect = func(*region.View) { kick <- multikernel.Reason{Text: "again", Code: 131} }
		case shut:
			opt.Inspect = func(*region.View) {
				commands <- multikernel.Command{Op: multikernel.OpStatus, Reply: late}
				commands <- multikernel.Command{Op: multikernel.OpShutdown, Reply: again}
			}
		}
		if o := run(t, opt); o.ExitCode != 130 {
			t.Errorf("%s: exit code %d, want 130", how, o.ExitCode)
		}
		if how == shut {
			if r := <-late; !errors.Is(r.Err, multikernel.ErrEnded) {
				t.Errorf("what is asked at the end is answered with %+v", r)
			}
			if r := <-again; r.Err != nil {
				t.Errorf("the second shutdown is answered with %+v", r)
			}
		}
	}
}

func TestLineWithoutEndIsKept(t *testing.T) {
	o := boot(t, "probe", 2, "partial")
	o.wantOK()
	for core := range 2 {
		if got, want := o.log(core), "first line\nno end\n"; got != want {
			t.Errorf("core %d: log %q, want %q", core, got, want)
		}
	}
}

func TestLineLongerThanTheLogIsKept(t *testing.T) {
	const n = 300_000
	o := boot(t, "probe", 2, "-n", fmt.Sprint(n), "long")
	o.wantOK()
	for core := range 2 {
		if got := o.log(core); got != strings.Repeat("x", n)+"\n" {
			t.Errorf("core %d: %d bytes in the log, want %d times x and an end", core, len(got), n)
		}
	}
}

// lost is a console that goes away once it has shown what then waits for, as a
// terminal that somebody closes does.
type lost struct {
	*watcher
	gone atomic.Bool
}

func (l *lost) Write(b []byte) (int, error) {
	if l.gone.Load() {
		return 0, &os.PathError{Op: "write", Path: "/dev/stdout", Err: unix.EIO}
	}
	return l.watcher.Write(b)
}

// TestLostTerminalIsNoErrorOfTheRun: a run that was asked to end because its
// terminal is gone ends as asked; nobody can be shown its last lines.
func TestLostTerminalIsNoErrorOfTheRun(t *testing.T) {
	console := &lost{}
	opt, _ := drained(t, 2, multikernel.Reason{Text: "SIGHUP", Code: 129, Signal: unix.SIGTERM}, func() { console.gone.Store(true) })
	console.watcher = opt.Console.(*watcher)
	opt.Console = console
	o := run(t, opt)
	if o.ExitCode != 129 {
		t.Errorf("exit code %d, want 129", o.ExitCode)
	}
	for i := range o.Cores {
		o.wantLine(i, "asked by terminated, drained")
	}
}
