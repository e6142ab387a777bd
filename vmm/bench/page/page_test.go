package page

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"barreleye/vmm/bench"
)

// recorded is a report of bench urpc with all parts.
func recorded(t *testing.T) *bench.Report {
	t.Helper()
	b, err := os.ReadFile("testdata/report.json")
	if err != nil {
		t.Fatal(err)
	}
	var r bench.Report
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

func written(t *testing.T, r *bench.Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, r, "urpc"); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// wellFormed reads a page as XML and returns how often each element is there and
// the ids of figures that hold a picture.
func wellFormed(t *testing.T, page string) (count map[string]int, drawn []string) {
	t.Helper()
	count = map[string]int{}
	figure := ""
	for d := xml.NewDecoder(strings.NewReader(page)); ; {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return count, drawn
		}
		if err != nil {
			t.Fatalf("no XML: %v", err)
		}
		e, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		count[e.Name.Local]++
		for _, a := range e.Attr {
			if e.Name.Local == "figure" && a.Name.Local == "id" {
				figure = a.Value
			}
		}
		if e.Name.Local == "svg" {
			drawn = append(drawn, figure)
		}
	}
}

// TestPage: a full report makes a page with all plots that needs nothing else.
func TestPage(t *testing.T) {
	r := recorded(t)
	page := written(t, r)
	count, drawn := wellFormed(t, page)
	var want []string
	for _, p := range plans {
		want = append(want, p.id)
	}
	if !slices.Equal(drawn, want) {
		t.Errorf("drawn %v, want %v", drawn, want)
	}
	if count["path"] < 100 || count["text"] < 100 || count["tr"] < len(r.Rows) || count["script"] != 0 {
		t.Errorf("elements %v", count)
	}
	for _, bad := range []string{"http:", "https:", "//", "src=", "href=", "url(", "@import", "FE01", "NaN", "Inf", "ZgotmplZ", "%!"} {
		if i := strings.Index(page, bad); i >= 0 {
			t.Errorf("%q in %q", bad, page[max(0, i-60):min(len(page), i+60)])
		}
	}
	for _, x := range r.Rows {
		if !strings.Contains(page, "<td>"+x.Label()+"</td>") {
			t.Errorf("no row %s", x.Label())
		}
	}
	for _, want := range []string{"prefers-color-scheme: dark", "<b>Noisy:</b>", r.Environment.Kernel, r.Environment.Version, "2x4-core Intel, 2.66 GHz", "11.97", "Table 3"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	// each colour that a picture uses is one that the style sheet has, in both schemes
	for _, use := range strings.Split(page, "var(")[1:] {
		name, _, _ := strings.Cut(use, ")")
		if strings.Count(page, name+": #") != 2 {
			t.Errorf("colour %s is defined %d times", name, strings.Count(page, name+": #"))
		}
	}
}

// TestParts: whatever a report holds, its page is well-formed and says what is not
// there; one of another benchmark has no plots.
func TestParts(t *testing.T) {
	all := recorded(t)
	for i := range all.Rows {
		r := &bench.Report{CPU: "a CPU", Platform: "kvm", Rows: all.Rows[i : i+1]}
		page := written(t, r)
		_, drawn := wellFormed(t, page)
		if len(drawn) == 0 != !strings.Contains(page, "Not measured:") {
			t.Errorf("%s: %d plots", r.Rows[0].Label(), len(drawn))
		}
	}
	empty := &bench.Report{CPU: "a CPU", Platform: "hosted"}
	if _, drawn := wellFormed(t, written(t, empty)); len(drawn) != 0 {
		t.Errorf("plots %v of nothing", drawn)
	}
	empty.Environment = &bench.Environment{Platform: "hosted"}
	empty.Rows = []bench.Row{{Name: "peer_stream", Kind: bench.Peer, Unit: "ns/message", Note: "install it"}}
	if page := written(t, empty); !strings.Contains(page, "install it") {
		t.Error("not what a row without samples says")
	}
}

// TestEscapes: nothing in a report becomes markup.
func TestEscapes(t *testing.T) {
	r := recorded(t)
	const bad = `</text><script>x</script>&"'`
	r.CPU, r.Environment.Noise.Why = bad, []string{bad}
	for i := range r.Rows {
		r.Rows[i].Note = bad
		r.Rows[i].Params = append(r.Rows[i].Params, bench.Param{Key: "form", Value: bad})
	}
	if count, _ := wellFormed(t, written(t, r)); count["script"] != 0 {
		t.Error("a script")
	}
}

// TestTicks: every axis has at least two labels and not so many that they touch.
func TestTicks(t *testing.T) {
	for _, a := range []axis{{}, {unit: timeUnit}, {linear: true}, {label: "payload", unit: byteUnit}} {
		for _, r := range [][2]float64{{1, 4}, {90, 400}, {0.03, 30}, {100, 3e8}, {8, 1 << 20}, {16, 16384}, {1024, 4096}, {3, 100}} {
			labels, room := 0, 0
			for _, tick := range a.Ticks(r[0], r[1]) {
				if tick.Value < r[0]*0.999 || tick.Value > r[1]*1.001 {
					t.Errorf("%q %v: tick at %v", a.label, r, tick.Value)
				}
				if tick.Label != "" {
					labels++
					room += 7*len(tick.Label) + 6
				}
			}
			if labels < 2 || room > width-40 {
				t.Errorf("%q %v: %d labels, %d wide", a.label, r, labels, room)
			}
		}
	}
}

// TestCumulate: shares never fall, and end near one.
func TestCumulate(t *testing.T) {
	for _, x := range recorded(t).Rows {
		if x.PerSample != 1 || len(x.Histogram) < 2 {
			continue
		}
		points := cumulate(&x)
		for i := 1; i < len(points); i++ {
			if points[i].x < points[i-1].x || points[i].y < points[i-1].y {
				t.Errorf("%s: %v after %v", x.Label(), points[i], points[i-1])
			}
		}
		if last := points[len(points)-1].y; last < 100*most || last > 100.001 {
			t.Errorf("%s: ends at %v", x.Label(), last)
		}
	}
}

// TestBesidePaper converts ns to cycles of this run's clock.
func TestBesidePaper(t *testing.T) {
	r := &bench.Report{CPU: "a CPU", Platform: "kvm", Environment: &bench.Environment{TSCKHz: 2_000_000}, Rows: []bench.Row{
		{Name: "ring", Median: 300, Percentiles: bench.Percentiles{N: 1}},
		{Name: "ring_inflight", Median: 50, Params: bench.Params{{Key: "inflight", Value: "16"}}, Percentiles: bench.Percentiles{N: 1}},
	}}
	p := besidePaper(r)
	if last := p.Table2[len(p.Table2)-1]; !last.Ours || last.Cycles != "300" || last.NS != "150" || last.Rate != "10.00" {
		t.Errorf("%+v", last)
	}
	if first := p.Table2[0]; first.Ours || first.Cycles != "180" || first.NS != "68" {
		t.Errorf("%+v", first)
	}
	if last := p.Table3[len(p.Table3)-1]; last.Latency != "300" || last.Rate != "10.00" {
		t.Errorf("%+v", last)
	}
	r.Environment.TSCKHz = 0
	if besidePaper(r) != nil {
		t.Error("cycles of an unknown clock")
	}
}

// TestMonitorPage: the page of bench monitor has its curves, and none of another benchmark's
// figures.
func TestMonitorPage(t *testing.T) {
	r := &bench.Report{
		Rows: []bench.Row{{
			Name: "monitor_two_phases", Params: bench.Params{{Key: "cores", Value: "2"}}, Kind: bench.Ours, Unit: "us",
			Median: 1.5, Percentiles: bench.Percentiles{N: 1, Min: 1, P10: 1.2, P50: 1.5, P90: 2, P99: 3},
		}},
		Simulated: &bench.Simulated{Curve: []bench.Curve{
			{Phases: 1, Over: "direct", InFlight: 1, US: [][2]float64{{2, 1}, {1024, 700}}},
			{Phases: 2, Over: "tree", InFlight: 16, US: [][2]float64{{2, 1}, {1024, 90}}},
		}},
	}
	var b strings.Builder
	if err := Write(&b, r, "monitor"); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{"Two-phase commit, by cores", "One-phase commit, by cores", "tree, 16 under way", "measured, two guests", "Figure 6 twice, unicast", "Figure 7, unmap", "Operations, two cores"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if n := strings.Count(page, "<svg"); n != 3 {
		t.Errorf("%d pictures, want 3", n)
	}
	if strings.Contains(page, "Throughput by payload") {
		t.Error("the page has figures of another benchmark")
	}
}

// TestPaperLines: the paper's lines go from 2 to 32 cores, in ns.
func TestPaperLines(t *testing.T) {
	at32 := map[string]float64{
		"Figure 6, unicast": 6355, "Figure 6, multicast": 2410, "Figure 6, NUMA-aware multicast": 1595, "Figure 7, unmap": 8815,
		"Figure 6 twice, unicast": 12710, "Figure 6 twice, NUMA-aware multicast": 3190,
	}
	lines := append(paperOnePhase(), paperTwice()...)
	if len(lines) != len(at32) {
		t.Errorf("%d lines, want %d", len(lines), len(at32))
	}
	for _, s := range lines {
		first, last := s.points[0], s.points[len(s.points)-1]
		if len(s.points) != 31 || first.x != 2 || last.x != 32 || math.Abs(last.y-at32[s.name]) > 0.5 {
			t.Errorf("%s: %d points, %v to %v; want 31, to 32 cores and %v ns", s.name, len(s.points), first, last, at32[s.name])
		}
	}
}
