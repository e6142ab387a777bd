package integration

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"barreleye/images/probe/chatter"
	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/observe"
)

// entries calls f with every entry of the run's log.
func (o *outcome) entries(f func(e observe.Entry)) {
	o.t.Helper()
	file, err := os.Open(filepath.Join(o.opt.Dir, observe.LogFile))
	if err != nil {
		o.t.Fatal(err)
	}
	defer file.Close()
	for r := observe.NewReader(file); ; {
		e, _, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			o.t.Fatal(err)
		}
		f(e)
	}
}

// A million lines of mixed lengths from four cores at once: each is there, and
// in order, in its core's file and in the log, and a console saw all of them.
func TestMillionLines(t *testing.T) {
	const cores = 4
	n := scaled(250_000, 10_000)
	opt := options(t, load(t, "probe", image.LoadOptions{}), cores, "-n", fmt.Sprint(n), "talk")
	var console counter
	opt.Console = &console
	start := time.Now()
	o := run(t, opt)
	took := time.Since(start)
	o.wantOK()
	var bytes, blocks uint64
	for _, c := range o.Cores {
		bytes, blocks = bytes+c.LogBytes, blocks+c.LogBlocks
	}
	t.Logf("%d lines, %d MiB in %v; writers waited %d times", cores*n, bytes>>20, took.Round(time.Millisecond), blocks)

	for core := range cores {
		file, err := os.Open(filepath.Join(opt.Dir, observe.CoreFile(core)))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		r, lines := bufio.NewReaderSize(file, 64<<10), chatter.New(core)
		for i := range n {
			want, _ := lines.Next()
			if got, err := r.ReadSlice('\n'); string(got) != string(want) {
				t.Fatalf("core %d: line %d of its file is %.200q (%v), want %.200q", core, i, got, err, want)
			}
		}
		if rest, _ := io.ReadAll(r); len(rest) > 0 {
			t.Errorf("core %d: more in its file: %.200q", core, rest)
		}
	}

	var lines [cores]*chatter.Lines
	var seen [cores]int
	for core := range lines {
		lines[core] = chatter.New(core)
	}
	o.entries(func(e observe.Entry) {
		if e.Core == observe.NoCore {
			t.Fatalf("the VMM said %q", e.Msg)
		}
		want, stderr := lines[e.Core].Next()
		stream := observe.Output // of processes, whose streams are one
		switch {
		case !onHosted() && stderr:
			stream = observe.Stderr
		case !onHosted():
			stream = observe.Stdout
		}
		if string(e.Msg) != string(want[:len(want)-1]) || e.Stream != stream {
			t.Fatalf("core %d: entry %d is %.200q of %s, want %.200q", e.Core, seen[e.Core], e.Msg, e.Stream, want)
		}
		seen[e.Core]++
	})
	for core := range cores {
		if seen[core] != n {
			t.Errorf("core %d: %d entries, want %d", core, seen[core], n)
		}
	}
	if console.lines != cores*n {
		t.Errorf("the console got %d lines, want %d", console.lines, cores*n)
	}
}

// counter is a console that counts lines.
type counter struct{ lines int }

func (c *counter) Write(b []byte) (int, error) {
	c.lines += bytes.Count(b, []byte{'\n'})
	return len(b), nil
}

// Records of log/slog arrive with level, attributes and groups, package log's
// lines as records too; text among them stays text.
func TestSlogRecords(t *testing.T) {
	o := boot(t, "probe", 2, "records")
	o.wantOK()
	for core := range 2 {
		var got []string
		o.entries(func(e observe.Entry) {
			if e.Core == core {
				got = append(got, fmt.Sprintf("%s/%s", e.Kind, e.Text()))
			}
		})
		want := []string{
			"slog/INFO plain",
			fmt.Sprintf("slog/DEBUG shown core=%d", core),
			"slog/WARN two\nlines text=\"a \\\"b\\\"\" n=-3 took=1000000000",
			"slog/ERROR grouped id=7 req.err=\"no luck\" req.peer.core=1 req.peer.level=x",
			"slog/INFO by package log",
			"/no end yet",
			"slog/INFO after a text without end",
			"/\x1eno record",
		}
		if len(got) != len(want)+1 || !slices.Equal(got[:len(want)], want) || !strings.HasSuffix(got[len(want)], `level=INFO msg="a handler of its own"`) {
			t.Errorf("core %d: entries\n%q\nwant\n%q and a line of another handler", core, got, want)
		}
		o.wantLine(core, "DEBUG shown core=")
	}
}

// What the runtime prints of a program that dies is one entry, and comes
// before what the VMM says of it.
func TestRuntimePrintsAreOneEntry(t *testing.T) {
	for form, part := range map[string]string{
		"nil": "main.dereferenceNil", "panic": "the goroutine's own words", "overflow": "main.descend",
		"jump": "unexpected fault address 0x1234567000", "ud2": "main.undefinedInstruction",
	} {
		t.Run(form, func(t *testing.T) {
			o := boot(t, "crash", 2, form)
			panics, after := 0, false
			o.entries(func(e observe.Entry) {
				switch {
				case e.Core == 0 && e.Kind == observe.KindPanic:
					panics++
					if text := string(e.Msg); !strings.Contains(text, part) || !strings.Contains(text, "goroutine ") || after {
						t.Errorf("the entry is %q, after the VMM's: %v", e.Msg, after)
					}
				case e.Core == 0 && !strings.HasPrefix(string(e.Msg), "core 0: "):
					t.Errorf("an entry apart: %q", e.Msg)
				case e.Core == observe.NoCore && strings.HasPrefix(string(e.Msg), "core 0: exited with code 2"):
					after = true
				}
			})
			if panics != 1 || !after {
				t.Errorf("%d panics, the VMM's line seen: %v", panics, after)
			}
		})
	}
}

// A deadlock's goroutine dumps are one entry per core.
func TestDeadlockDumpsAreEntries(t *testing.T) {
	o := boot(t, "crash", 3, "deadlock")
	if o.ExitCode != multikernel.CodeDeadlock {
		t.Errorf("exit code %d", o.ExitCode)
	}
	var dumps [3]int
	o.entries(func(e observe.Entry) {
		if e.Kind == observe.KindPanic && strings.HasPrefix(string(e.Msg), "SIGQUIT: quit") {
			dumps[e.Core]++
		}
	})
	if dumps != [3]int{1, 1, 1} {
		t.Errorf("dumps by core: %v", dumps)
	}
}
