package bench

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"testing"
)

// TestMiddle: what is rare does not count, and what lies between two steps of a clock is found.
func TestMiddle(t *testing.T) {
	for _, c := range []struct {
		want   float64
		sorted []float64
	}{
		{0, nil}, {7, []float64{7}}, {8, []float64{7, 9}},
		{10, []float64{0, 10, 10, 1e9}},
		{112.5, []float64{1, 100, 110, 110, 110, 120, 120, 1e9}},
	} {
		if got := middle(c.sorted); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v of %v, want %v", got, c.sorted, c.want)
		}
	}
}

// TestRow: a row keeps its samples in the order measured, in its unit, and all
// of them are in the histogram.
func TestRow(t *testing.T) {
	r := row("call", "us", 1000, []float64{3000, 1000, 2000, 0}, []float64{500, 1500, 1000}).
		with("payload", "64").with("gap", "50us").per(20).of("same_line")
	if !slices.Equal(r.Samples, []float64{3, 1, 2, 0}) || !slices.Equal(r.LimitSamples, []float64{0.5, 1.5, 1}) {
		t.Errorf("samples %v, of the limit %v", r.Samples, r.LimitSamples)
	}
	if r.Median != 2 || r.P99 != 3 || r.Limit != 1 || r.Ratio != 1.5 || r.PerSample != 20 || r.Kind != Ours {
		t.Errorf("%+v", r)
	}
	if p := r.Percentiles; p.N != 4 || p.Min != 0 || p.P10 != 0 || p.P50 != 2 || p.Max != 3 {
		t.Errorf("%+v", p)
	}
	n := 0
	for i, b := range r.Histogram {
		n += b.Count
		if b.To < b.From || i > 0 && b.From < r.Histogram[i-1].To {
			t.Errorf("bucket %d of %+v", i, r.Histogram)
		}
	}
	if n != 4 {
		t.Errorf("%d samples in %+v", n, r.Histogram)
	}
	if got := r.Label(); got != "call/payload=64/gap=50us" {
		t.Errorf("label %q", got)
	}
	for i, want := range []float64{64, 50_000} {
		if got, ok := r.Params[i].Number(); !ok || got != want {
			t.Errorf("number %v of %v", got, r.Params[i])
		}
	}
	if _, ok := (Param{"where", "cores"}).Number(); ok {
		t.Error("a word is a number")
	}
}

// TestRowsOfOneBase: rows made from one do not write into each other.
func TestRowsOfOneBase(t *testing.T) {
	base := row("call", "ns", 1, []float64{1}, nil).with("a", "1").with("b", "2").with("c", "3")
	x, y := base.with("d", "x"), base.with("d", "y")
	if x.Params.Get("d") != "x" || y.Params.Get("d") != "y" || base.Params.Get("d") != "" {
		t.Errorf("%v, %v", x.Params, y.Params)
	}
}

// TestJSON: what a program reads by name stays, and comes back.
func TestJSON(t *testing.T) {
	r := Report{Rows: []Row{row("call", "ns", 1, []float64{1, 2, 3}, []float64{2}).with("z", "1").with("a", "2").of("same_line")}}
	var out bytes.Buffer
	if err := r.JSON(&out); err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(out.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if got := back.Rows[0].Label(); got != "call/z=1/a=2" {
		t.Errorf("label %q", got)
	}
	var raw struct{ Rows []map[string]any }
	if err := json.Unmarshal(out.Bytes(), &raw); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"name", "unit", "median", "p99", "limit", "limit_of", "ratio", "kind", "params", "per_sample", "percentiles", "histogram"} {
		if _, ok := raw.Rows[0][name]; !ok {
			t.Errorf("no %q in %v", name, raw.Rows[0])
		}
	}
	for _, bad := range []string{`["a"]`, `{"a":1}`, `3`} {
		var p Params
		if err := json.Unmarshal([]byte(bad), &p); err == nil {
			t.Errorf("%s read as %v", bad, p)
		}
	}
}
