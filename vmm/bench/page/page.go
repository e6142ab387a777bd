// Package page draws the report of a benchmark as one HTML file that needs
// nothing else: plots as inline SVG, tables, the machine, and the figures of the
// multikernel paper beside those of the run. It reads only what the report's JSON
// holds too.
package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"barreleye/vmm/bench"
)

//go:embed page.html
var source string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"number": number, "join": strings.Join, "label": func(r bench.Row) string { return r.Label() },
}).Parse(source))

// content is what the template shows.
type content struct {
	Title   string
	Report  *bench.Report
	Tiles   []tile
	Figures []figure
	Groups  []group
	Paper   *paper // nil if the report has nothing to set beside it
	Facts   []fact
}

// tile is one of the figures at the top.
type tile struct{ Name, Value, Unit, Beside string }

// group is the rows of one kind.
type group struct {
	Name string
	Rows []bench.Row
}

// fact is a line of the environment.
type fact struct{ Name, Value string }

// Write writes the page of a benchmark's report, name "urpc".
func Write(w io.Writer, r *bench.Report, name string) error {
	figures, err := draw(r, name)
	if err != nil {
		return fmt.Errorf("bench: page: %w: report it", err)
	}
	c := content{Title: name, Report: r, Tiles: tiles(r), Figures: figures, Groups: groups(r), Paper: besidePaper(r), Facts: facts(r)}
	return pageTemplate.Execute(w, c)
}

// tiles are the rows that answer what most people ask first, of those there are.
func tiles(r *bench.Report) (out []tile) {
	for _, k := range []struct{ row, name string }{
		{"call", "call, round trip"}, {"ring", "two rings, round trip"}, {"stream", "stream of lines"}, {"stream_bulk", "stream in bulk"},
		{"wake_50us", "wake-up after 50 us"}, {"wake_10ms", "wake-up after 10 ms"},
		{"start_4_mains", "four cores in main"}, {"hello_resident", "memory of a core"}, {"compute", "computing"}, {"log_line", "a line of the log"},
	} {
		x := find(r, k.row)
		if x == nil || x.Percentiles.N == 0 {
			continue
		}
		t := tile{k.name, number(x.Median), x.Unit, ""}
		if x.Unit == "ns/message" && x.Median > 0 {
			t.Value, t.Unit = number(1e3/x.Median), "M messages/s"
		}
		if x.Ratio > 0 {
			t.Beside = fmt.Sprintf("%.2f x the limit", x.Ratio)
			if x.LimitOf != "" {
				t.Beside += " (" + words(x.LimitOf) + ")"
			}
		}
		out = append(out, t)
	}
	return out
}

// groups sorts the rows by kind, in the report's order.
func groups(r *bench.Report) (out []group) {
	for _, k := range []struct{ kind, name string }{{bench.Ours, "Barreleye"}, {bench.Limit, "Limits"}, {bench.Peer, "Peers"}} {
		g := group{Name: k.name}
		for _, x := range r.Rows {
			if x.Kind == k.kind {
				g.Rows = append(g.Rows, x)
			}
		}
		if len(g.Rows) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// facts are the environment in the order in which people read it.
func facts(r *bench.Report) (out []fact) {
	e := r.Environment
	if e == nil {
		return nil
	}
	add := func(name, format string, args ...any) {
		if v := strings.TrimSpace(fmt.Sprintf(format, args...)); v != "" {
			out = append(out, fact{name, v})
		}
	}
	add("date", "%s, %.0f s", e.Date, e.DurationS)
	add("binary", "%s", e.Version)
	virtual := map[bool]string{true: ", itself a virtual machine"}[e.Hypervisor]
	add("CPU", "%s, %d CPUs%s", e.CPU, e.CPUs, virtual)
	add("machine", "%s", e.Machine)
	add("kernel", "%s", e.Kernel)
	add("platform", "%s %s", e.Platform, e.Flavour)
	switch {
	case e.Platform == "hosted":
	case e.HaltPollNS < 0:
		add("halt polling", "unknown")
	default:
		add("halt polling", "%d us", e.HaltPollNS/1000)
	}
	if e.TSCKHz > 0 {
		add("TSC", "%.3f GHz, %s; clock source %s", float64(e.TSCKHz)/1e6, strings.Join(e.TSCFlags, " "), e.ClockSource)
	}
	var places []string
	for _, p := range e.Placement {
		s := fmt.Sprintf("core %d on CPU %d", p.Core, p.CPU)
		if p.Siblings != "" && p.Siblings != fmt.Sprint(p.CPU) {
			s += " (with " + p.Siblings + ")"
		}
		if p.Node > 0 {
			s += fmt.Sprintf(", node %d", p.Node)
		}
		if p.Governor != "" {
			s += ", " + p.Governor
		}
		places = append(places, s)
	}
	add("placement", "%s", strings.Join(places, "; "))
	if p := e.Ring; p != nil {
		runs := "where in memory is not known"
		if p.Runs > 0 {
			runs = fmt.Sprintf("%d pages in %d runs of consecutive ones", p.Pages, p.Runs)
		}
		if p.Huge {
			runs += ", huge pages"
		}
		add("ring of core 0 to 1", "%d lines at %s, %s", p.Lines, p.VA, runs)
	}
	add("load at the start", "%.2f, %.2f, %.2f", e.Load[0], e.Load[1], e.Load[2])
	add("stolen time", "%.2f %%", e.StealPercent)
	for _, c := range e.Noise.CPUs {
		add(fmt.Sprintf("CPU %d before the start", c.CPU), "%d gaps above 10 us, %.0f us the longest, %.2f %% of the time missing", c.Gaps, c.LongestUS, c.MissingPercent)
	}
	return out
}

// find returns the first row of a name and parameters, nil if there is none.
func find(r *bench.Report, name string, params ...bench.Param) *bench.Row {
rows:
	for i := range r.Rows {
		x := &r.Rows[i]
		if x.Name != name {
			continue
		}
		for _, p := range params {
			if x.Params.Get(p.Key) != p.Value {
				continue rows
			}
		}
		return x
	}
	return nil
}

// number shows a value with three figures that count.
func number(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 0.1:
		return fmt.Sprintf("%.3f", v)
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	digits := fmt.Sprintf("%.0f", v)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:] // a narrow space that does not break
	}
	return digits
}

// words turns a name of the data into words.
func words(name string) string { return strings.ReplaceAll(name, "_", " ") }
