package top

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"barreleye/vmm/multikernel"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

var update = flag.Bool("update", false, "rewrite the files in testdata")

// look is a report after so many seconds.
func look(seconds float64, cores ...multikernel.CoreReport) *multikernel.Report {
	return &multikernel.Report{Platform: "kvm", Flavour: "pvm", UpMS: 1000 * seconds, Cores: cores}
}

// one and two are what the first look and the second see.
var (
	one = look(10,
		multikernel.CoreReport{Core: 0, Life: 1, Image: "kv", CPU: 0, State: "running", Power: "halt", CPUNS: 5e9, StealNS: 1e9, Sent: 1000, Received: 900, FramesUsed: 1500, FramesTotal: 700_000, FramesLimit: 1_000_000, ResidentKiB: 900, Ticks: 100, Halts: 50},
		multikernel.CoreReport{Core: 1, Life: 3, Image: "kv", CPU: 1, State: "running", Power: "poll", CPUNS: 8e9, Sent: 5_000_000, Collections: 2, PauseNS: 40_000},
		multikernel.CoreReport{Core: 2, Life: 1, Image: "hello", CPU: -1, State: "running", Power: "halt", CPUNS: 2e9, Sent: 70},
	)
	two = look(12,
		multikernel.CoreReport{Core: 0, Life: 1, Image: "kv", CPU: 0, State: "running", Power: "halt", CPUNS: 6e9, StealNS: 1.5e9, Sent: 3000, Received: 2900, FramesUsed: 1500, FramesTotal: 700_000, FramesLimit: 1_000_000, ResidentKiB: 900, Ticks: 300, Halts: 51},
		multikernel.CoreReport{Core: 1, Life: 4, Image: "kv", CPU: 1, State: "running", Power: "poll", CPUNS: 10e9, Sent: 600_000, FramesUsed: 700_000, FramesTotal: 700_000, FramesLimit: 1_000_000, ResidentKiB: 50_000, Collections: 20, PauseNS: 400_000_000},
		multikernel.CoreReport{Core: 2, Life: 1, Image: "hello", CPU: -1, State: "crashed", CPUNS: 2e9, Sent: 70, ExitCode: 70},
		multikernel.CoreReport{Core: 3, Life: 1, Image: "hello", CPU: 1, State: "running", Power: "halt", CPUNS: 20e6, Sent: 10},
	)
)

// TestRows: figures are those between two looks, by the run's clock; those of a life
// that began meanwhile count from its beginning, its CPU time from the look before.
func TestRows(t *testing.T) {
	for _, c := range []struct {
		before *multikernel.Report
		want   string
	}{
		{nil, "0 50.0 12.5 250 25 4|1 83.3 0.0 50000 0 0|2 16.7 0.0 6 0 0|3 0.2 0.0 1 0 0"},
		{one, "0 50.0 25.0 1000 100 0|1 100.0 0.0 300000 0 0|2 0.0 0.0 0 0 0|3 1.0 0.0 5 0 0"},
		{two, "0 0.0 0.0 0 0 0|1 0.0 0.0 0 0 0|2 0.0 0.0 0 0 0|3 0.0 0.0 0 0 0"}, // no time between them
	} {
		var list []string
		for _, r := range rows(c.before, two) {
			list = append(list, fmt.Sprintf("%d %.1f %.1f %.0f %.0f %.0f", r.Core, r.busy, r.steal, r.sent, r.ticks, r.halts))
		}
		if got := strings.Join(list, "|"); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// TestScreen compares what is on the screen after some keys with testdata/screen.txt.
func TestScreen(t *testing.T) {
	var all strings.Builder
	for _, c := range []struct {
		what, keys    string
		width, height int
	}{
		{"by core", "", 120, 20},
		{"by CPU", "c", 120, 20},
		{"by CPU, reversed", "c r", 120, 20},
		{"by what is right of CPU", "c > >", 120, 20},
		{"by what is left of the first column", "<", 120, 20},
		{"by garbage collections", "g", 120, 20},
		{"all have room", "", 160, 20},
		{"80 columns", "", 80, 20},
		{"80 columns, by one that has no room otherwise", "<", 80, 20},
		{"a narrow screen", "s", 50, 20},
		{"a very narrow screen", "n", 12, 20},
		{"a low screen", "n", 120, 6},
		{"a low screen, further down", "n down down down down down", 120, 6},
		{"a low screen, and up again", "n pgdown up", 120, 6},
		{"paused", "space", 120, 20},
	} {
		var m tea.Model = newModel(Options{Run: "20260101-1", Image: "kv", Interval: time.Second})
		send := func(msg tea.Msg) { m, _ = m.Update(msg) }
		send(tea.WindowSizeMsg{Width: c.width, Height: c.height})
		send(looked{report: one})
		send(looked{report: two})
		for key := range strings.FieldsSeq(c.keys) {
			m, _ = m.(model).press(key)
		}
		send(due{})
		text := m.(model).text()
		for line := range strings.Lines(text) {
			if got := ansi.StringWidth(line); got > c.width {
				t.Errorf("%s: a line of %d columns", c.what, got)
			}
		}
		if n := strings.Count(text, "\n") + 1; n > c.height {
			t.Errorf("%s: %d lines on a screen of %d", c.what, n, c.height)
		}
		fmt.Fprintf(&all, "# %s\n%s\n\n", c.what, text)
	}
	got := strings.ReplaceAll(all.String(), "\x1b", "^[")
	const file = "testdata/screen.txt"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs: run the test with -update, and look at the difference; got\n%s", file, got)
	}
}

// TestLeave: every column but CORE may leave, in the order that the reference states.
func TestLeave(t *testing.T) {
	for i, c := range columns {
		if slices.Contains(leave, c.title) == (i == 0) {
			t.Errorf("%s may leave: %v", c.title, i == 0)
		}
	}
	if len(leave) != len(columns)-1 {
		t.Errorf("%d of %d columns may leave", len(leave), len(columns))
	}
	page, err := os.ReadFile("../../docs/reference/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Join(leave, ", "); !strings.Contains(strings.Join(strings.Fields(string(page)), " "), want) {
		t.Errorf("docs/reference/cli.md does not say that columns leave in this order: %s", want)
	}
}

// TestWidths: a column that was wide stays so.
func TestWidths(t *testing.T) {
	var m tea.Model = newModel(Options{})
	m, _ = m.Update(looked{report: two})
	wide := slices.Clone(m.(model).widths)
	m, _ = m.Update(looked{report: look(13, multikernel.CoreReport{Core: 0, State: "running"})})
	if got := m.(model).widths; !slices.Equal(got, wide) {
		t.Errorf("%v, and before %v", got, wide)
	}
}

// TestPause: nothing changes on the screen meanwhile, and then it goes on.
func TestPause(t *testing.T) {
	var m tea.Model = newModel(Options{})
	m, _ = m.Update(looked{report: one})
	m, _ = m.(model).press("space")
	m, next := m.Update(looked{report: two})
	if m.(model).now != one || next == nil {
		t.Error("a pause does not hold, or looks no more")
	}
	m, _ = m.(model).press("space")
	m, _ = m.Update(looked{report: two})
	if m.(model).now != two || m.(model).before != one {
		t.Error("it does not go on after a pause")
	}
}

// TestShow runs it on a screen that is none: it looks again and again, until a key ends
// it, or the run's end.
func TestShow(t *testing.T) {
	gone := errors.New("gone")
	for _, c := range []struct {
		name string
		want error
	}{{"key", nil}, {"end", gone}} {
		t.Run(c.name, func(t *testing.T) {
			in, keyboard := io.Pipe()
			looks, typed := 0, make(chan bool)
			err := Show(context.Background(), Options{
				Run: "r", Image: "i", Interval: time.Millisecond, In: in, Out: &bytes.Buffer{},
				Look: func() (*multikernel.Report, error) {
					switch looks++; {
					case looks == 3 && c.want == nil:
						go func() {
							fmt.Fprint(keyboard, "q")
							close(typed)
						}()
					case looks == 3:
						return nil, c.want
					}
					return one, nil
				},
			})
			if c.want == nil {
				<-typed
			}
			if err != c.want || looks < 3 {
				t.Errorf("after %d looks: %v, want %v", looks, err, c.want)
			}
		})
	}
}
