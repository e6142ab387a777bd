package lifecycle

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"barreleye/vmm/supervise"
)

var update = flag.Bool("update", false, "rewrite the transcripts in testdata")

// TestScripts plays the scripts of testdata: each line is an event, and what follows
// "->" is what the machine wants done then, or how the cores are.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			old, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(old))
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if !bytes.Equal(old, got) {
				t.Errorf("the transcript is now\n%s", got)
			}
		})
	}
}

// play plays a script and returns it with what the machine says.
func play(t *testing.T, script string) []byte {
	var out bytes.Buffer
	var m *Machine
	for line := range strings.Lines(script) {
		line, _, _ = strings.Cut(strings.TrimSuffix(line, "\n"), "  ->")
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			fmt.Fprintln(&out, line)
			continue
		}
		if words[0] == "room" {
			m = room(t, words)
			fmt.Fprintln(&out, line)
			continue
		}
		said := event(t, m, words)
		for _, a := range m.Take() {
			said = append(said, describe(a))
		}
		fmt.Fprintf(&out, "%-24s  -> %s\n", strings.TrimRight(line, " "), strings.Join(said, ", "))
	}
	return out.Bytes()
}

// room reads "room N RESTARTS STRATEGY INTENSITY".
func room(t *testing.T, words []string) *Machine {
	var n int
	var p supervise.Policy
	if _, err := fmt.Sscan(words[1], &n); err != nil {
		t.Fatal(err)
	}
	var err error
	if err = p.ParseRestarts(words[2]); err == nil {
		if p.Strategy, err = supervise.ParseStrategy(words[3]); err == nil {
			p.Intensity, err = supervise.ParseIntensity(words[4])
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	tree, err := p.Tree(n)
	if err != nil {
		t.Fatal(err)
	}
	return New(n, tree)
}

func describe(a Action) string {
	switch a.Do {
	case GiveUp:
		return "give up (" + a.Why + ")"
	case Build, Start:
		return fmt.Sprintf("%v %d.%d", a.Do, a.Core, a.Life)
	}
	return fmt.Sprintf("%v %d", a.Do, a.Core)
}

// event plays one line: "[at SECONDS] EVENT CORE [ARGUMENT]".
func event(t *testing.T, m *Machine, words []string) (said []string) {
	now := time.Unix(0, 0)
	if words[0] == "at" {
		var s float64
		fmt.Sscan(words[1], &s)
		now, words = time.Unix(0, int64(s*1e9)), words[2:]
	}
	i, extra := 0, ""
	if len(words) > 1 {
		fmt.Sscan(words[1], &i)
	}
	if len(words) > 2 {
		extra = words[2]
	}
	var err error
	switch words[0] {
	case "begin":
		err = m.Begin(i)
	case "built":
		m.Built(i, extra != "badly")
	case "main":
		m.Main(i)
	case "up": // all of that
		if err = m.Begin(i); err == nil {
			m.Built(i, true)
			m.Main(i)
		}
	case "settled": // peer, dead
		var dead int
		fmt.Sscan(extra, &dead)
		m.Settle(func(peer, of int) uint64 {
			if peer == i && of == dead {
				return m.Life(dead)
			}
			return 0
		})
	case "ends":
		m.Ended(i, false, now)
	case "crashes":
		m.Ended(i, true, now)
	case "stop":
		err = m.Stop(i, extra != "hard")
	case "restart":
		err = m.Restart(i, extra != "hard")
	case "kill":
		err = m.Kill(i)
	case "park":
		err = m.Park(i)
	case "resume":
		err = m.Resume(i)
	case "late":
		m.GraceOver(i)
	case "shutdown":
		m.Shutdown(len(words) == 1)
	case "states":
		for core := range m.cores {
			state := fmt.Sprintf("%d %v", core, m.State(core))
			owing, ending := m.Awaits(core)
			if len(owing) > 0 {
				state += fmt.Sprint(" for ", owing)
			}
			if len(ending) > 0 {
				state += fmt.Sprint(" after ", ending)
			}
			said = append(said, state)
		}
	default:
		t.Fatalf("no event %q", words[0])
	}
	if err != nil {
		said = append(said, err.Error())
	}
	return said
}
