package observe

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"barreleye/devices/logring"
)

// deaths are ways for a program to have its goroutines printed.
var deaths = map[string]func(){
	"panic":       func() { panic("on purpose") },
	"value":       func() { panic(errors.New("first line\nsecond (line)\n\nlast")) },
	"nil":         func() { var p *int; *p = 1 },
	"nested":      func() { defer func() { panic("second") }(); panic("first") },
	"elsewhere":   func() { go func() { panic("in a goroutine") }(); select {} },
	"fatal":       func() { new(sync.Mutex).Unlock() },
	"overflow":    func() { debug.SetMaxStack(1 << 20); overflow(1) },
	"quit":        func() { syscall.Kill(os.Getpid(), syscall.SIGQUIT); select {} },
	"exit":        func() { panic("\n") },
	"runtime.err": func() { var list []int; _ = list[len(os.Args)] },
}

func overflow(n int) int { return overflow(n+1) + n }

const deathVariable = "OBSERVE_TEST_DEATH"

func TestMain(m *testing.M) {
	if die := deaths[os.Getenv(deathVariable)]; die != nil {
		die()
	}
	os.Exit(m.Run())
}

// dying returns what a Go program writes to stderr that dies so.
func dying(t *testing.T, how string, env ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	var text bytes.Buffer
	cmd.Stderr = &text
	cmd.Env = append(append(os.Environ(), deathVariable+"="+how), env...)
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("it ended with %v (%v)\n%s", err, ctx.Err(), &text)
	}
	return text.Bytes()
}

// collect returns the entries of a run whose cores write so.
func collect(t *testing.T, use func(*Logs), sources ...Source) (entries []Entry, dir string) {
	t.Helper()
	dir = t.TempDir()
	logs, err := NewLogs(Config{Dir: dir, Sources: sources})
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	use(logs)
	if err := logs.Finish(); err != nil {
		t.Fatal(err)
	}
	r := NewReader(strings.NewReader(readFile(t, dir, LogFile)))
	for {
		e, _, err := r.Next()
		if err != nil {
			return entries, dir
		}
		e.Msg = bytes.Clone(e.Msg)
		entries = append(entries, e)
	}
}

// Whatever the runtime prints of a dying program is one entry, although it
// comes in pieces, with lines of stdout and of slog among them.
func TestDeathIsOneEntry(t *testing.T) {
	for how := range deaths {
		for _, traceback := range []string{"single", "all", "system", "crash", "none"} {
			t.Run(how+"/"+traceback, func(t *testing.T) {
				t.Parallel()
				text := dying(t, how, "GOTRACEBACK="+traceback)
				r := rand.New(rand.NewPCG(1, 2))
				records := []logring.Record{errs("before\n")}
				for rest := text; len(rest) > 0; {
					n := min(1+r.IntN(300), len(rest))
					records = append(records, errs(string(rest[:n])), out("meanwhile\n"))
					if rest = rest[n:]; text[len(text)-len(rest)-1] == '\n' {
						records = append(records, errs("\x1e{\"level\":\"INFO\",\"msg\":\"record\"}\n"))
					}
				}
				entries, dir := collect(t, func(*Logs) {}, &script{records: records})
				if string(entries[0].Msg) != "before" {
					t.Errorf("the first entry is %+v", entries[0])
				}
				traces := 0
				for _, e := range entries[1:] {
					switch {
					case e.Kind == KindPanic:
						traces++
						if want := bytes.TrimRight(text, "\n"); !bytes.Equal(e.Msg, want) {
							t.Errorf("the entry is\n%s\nwant\n%s", e.Msg, want)
						}
						if e.Severity() != levelError {
							t.Errorf("its level is %v", e.Severity())
						}
					case e.Stream == Stderr && e.Kind != KindSlog:
						t.Errorf("a line apart: %q", e.Msg)
					}
				}
				if traces != 1 {
					t.Errorf("%d traces among %d entries of\n%s", traces, len(entries), text)
				}
				file := strings.ReplaceAll(strings.ReplaceAll(readFile(t, dir, CoreFile(0)), "meanwhile\n", ""), "INFO record\n", "")
				if want := "before\n" + string(text); strings.TrimRight(file, "\n") != strings.TrimRight(want, "\n") {
					t.Errorf("the core's text is\n%s\nwant\n%s", file, want)
				}
			})
		}
	}
}

// Text that only looks like a panic holds up nothing for long, and comes out
// as the lines it was, in order.
func TestLooksLikeAPanic(t *testing.T) {
	stack := "panic: caught, with its stack\ngoroutine 1 [running]:\nmain.main()\n\t/x/main.go:3 +0x1d\n"
	source := &script{records: []logring.Record{errs("panic: nothing of the kind\n"), out("goes on\n"), errs("and on\n")}}
	entries, _ := collect(t, func(l *Logs) {
		l.Drain()
		if n := strings.Count(readFile(t, filepath.Dir(l.file.Name()), LogFile), "\n"); n != 0 {
			t.Errorf("%d entries before it is clear what it is", n)
		}
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			l.Drain()
			if n := strings.Count(readFile(t, filepath.Dir(l.file.Name()), LogFile), "\n"); n == 3 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the lines are held for ever")
			}
		}
		source.records = append(source.records, errs(stack+"after\n"), out("last\n"))
		l.Drain()
	}, source)
	var got []string
	for _, e := range entries {
		got = append(got, e.Kind+":"+string(e.Msg))
	}
	want := []string{":panic: nothing of the kind", ":goes on", ":and on", "panic:" + strings.TrimSpace(stack), ":after", ":last"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("entries %q, want %q", got, want)
	}
}
