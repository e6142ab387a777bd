// Timeline draws a run as an SVG picture: when each core booted, what it
// printed, which messages went from core to core, and how it ended.
//
//	barreleye run --dir run -o json ... >report.json
//	go run ./docs/timeline run report.json >run.svg
//
// It reads log.jsonl and run.json of the run's folder, and the report. Messages
// are found in records of log/slog: "sends" with the attributes word and shard,
// and "took" with the same word on that core, as the counter of
// docs/tutorial/counter.md writes them.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: timeline RUN-FOLDER REPORT.json >PICTURE.svg")
		os.Exit(2)
	}
	r, err := read(os.Args[1], os.Args[2])
	if err == nil {
		_, err = os.Stdout.Write(r.draw())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "timeline:", err)
		os.Exit(1)
	}
}

// lane is what is drawn of one core. Times are ms since the command started.
type lane struct {
	Core     int       `json:"core"`
	BootMS   float64   `json:"boot_ms"`
	ExitCode int       `json:"exit_code"`
	last     float64   // of its last line
	died     float64   // when the VMM noticed; 0 where it ended well
	lines    []float64 // other than of messages
}

// arrow is one message.
type arrow struct {
	from, to   int
	sent, took float64
	word       string
}

// picture is all that is drawn.
type picture struct {
	Platform string  `json:"platform"`
	Flavour  string  `json:"flavour"`
	Cores    []*lane `json:"cores"`
	Timing   []struct {
		Name string  `json:"name"`
		AtMS float64 `json:"at_ms"`
	} `json:"timing"`
	arrows []arrow
	lost   []arrow // that no core took
	end    float64
}

// entry is a line of log.jsonl (docs/reference/logs.md).
type entry struct {
	Time   time.Time
	Core   *int
	Stream string
	Level  string
	Msg    string
	Attrs  struct {
		Word  string
		Shard int
	}
}

// read reads a run's folder and its report.
func read(folder, report string) (*picture, error) {
	p := &picture{}
	if err := readJSON(report, p); err != nil {
		return nil, err
	}
	var run struct{ Started, Ended time.Time }
	if err := readJSON(filepath.Join(folder, "run.json"), &run); err != nil {
		return nil, err
	}
	since := func(t time.Time) float64 { return float64(t.Sub(run.Started).Nanoseconds()) / 1e6 }
	p.end = since(run.Ended)
	f, err := os.Open(filepath.Join(folder, "log.jsonl"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var entries []*entry
	for lines := json.NewDecoder(f); ; {
		e := &entry{}
		if err := lines.Decode(e); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		entries = append(entries, e)
	}
	// Only what the VMM took from the cores together is in order already.
	slices.SortStableFunc(entries, func(a, b *entry) int { return a.Time.Compare(b.Time) })
	for _, e := range entries {
		if err := p.add(e, since(e.Time)); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func readJSON(name string, v any) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

var ofCore = regexp.MustCompile(`^core (\d+): `)

// add takes one entry of the log into the picture.
func (p *picture) add(e *entry, at float64) error {
	if e.Core == nil {
		if m := ofCore.FindStringSubmatch(e.Msg); m != nil && e.Level == "ERROR" {
			core, err := strconv.Atoi(m[1])
			if err != nil || core >= len(p.Cores) {
				return fmt.Errorf("%q: no such core in the report", e.Msg)
			}
			p.Cores[core].died = at
		}
		return nil
	}
	if *e.Core >= len(p.Cores) {
		return fmt.Errorf("a line of core %d, which the report lacks", *e.Core)
	}
	l := p.Cores[*e.Core]
	l.last = max(l.last, at)
	switch e.Msg {
	case "sends":
		p.lost = append(p.lost, arrow{from: *e.Core, to: e.Attrs.Shard, sent: at, word: e.Attrs.Word})
	case "took":
		// messages of a channel arrive in order, so it is the oldest
		for i, a := range p.lost {
			if a.to == *e.Core && a.word == e.Attrs.Word {
				a.took = at
				p.arrows = append(p.arrows, a)
				p.lost = append(p.lost[:i], p.lost[i+1:]...)
				break
			}
		}
	default:
		l.lines = append(l.lines, at)
	}
	return nil
}
