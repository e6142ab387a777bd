package bench

import (
	"bytes"
	"math"
	"testing"

	"golang.org/x/perf/benchfmt"
)

// TestGoBench has benchstat's own reader read the report.
func TestGoBench(t *testing.T) {
	many, limits := make([]float64, 101), make([]float64, 101)
	for i := range many {
		many[i], limits[i] = float64(200+i), float64(100+i)
	}
	r := Report{CPU: "Test CPU", CPUs: 2, Platform: "kvm", Flavour: "pvm", Environment: &Environment{Kernel: "Linux 6.1", Noise: Noise{Why: []string{"a", "b"}}}}
	r.Rows = []Row{
		row("call", "ns", 1, many, limits).per(2000).of("same_line"),
		row("wake_50us", "us", 1000, []float64{30_000, 10_000, 20_000}, nil).with("gap", "50us"),
		row("peer_stream", "ns/message", 1, nil, nil).with("peer", "boost_spsc"), // not measured
		row("hello_resident", "KiB", 1, []float64{2}, nil),
	}
	var out bytes.Buffer
	if err := r.GoBench(&out); err != nil {
		t.Fatal(err)
	}
	type result struct {
		name   string
		values []float64 // of the first unit
		units  []string
		last   *benchfmt.Result
	}
	var got []*result
	for in := benchfmt.NewReader(&out, "report"); in.Scan(); {
		switch x := in.Result().(type) {
		case *benchfmt.Result:
			name := x.Name.String()
			if len(got) == 0 || got[len(got)-1].name != name {
				got = append(got, &result{name: name})
			}
			g := got[len(got)-1]
			g.values, g.last, g.units = append(g.values, x.Values[0].Value), x.Clone(), nil
			for _, v := range x.Values {
				g.units = append(g.units, v.Unit)
			}
		case *benchfmt.UnitMetadata:
		default:
			t.Errorf("%T: %v", x, x)
		}
	}
	if len(got) != 3 {
		t.Fatalf("%d benchmarks: %+v", len(got), got)
	}
	call, wake, resident := got[0], got[1], got[2]
	if call.name != "Call-2" || len(call.values) != groups || len(call.units) != 3 || call.units[0] != "sec/op" {
		t.Errorf("%+v", call)
	}
	if ratio, ok := call.last.Value("ratio"); !ok || ratio < 1 || ratio > 2 {
		t.Errorf("ratio %v, %v", ratio, ok)
	}
	// groups of the samples as they came: 10 of 200...300, so medians rise by about 10
	if d := (call.values[9] - call.values[0]) * 1e9; math.Abs(d-90) > 2 {
		t.Errorf("medians %v", call.values)
	}
	if call.last.GetConfig("platform") != "kvm pvm" || call.last.GetConfig("kernel") != "Linux 6.1" || call.last.GetConfig("noisy") != "a; b" {
		t.Errorf("configuration %v", call.last.Config)
	}
	if wake.name != "Wake50us/gap=50us-2" || len(wake.values) != 3 || math.Abs(wake.values[0]-30e-6) > 1e-12 || wake.last.Iters != 1 {
		t.Errorf("%+v", wake)
	}
	if resident.units[0] != "B/op" || resident.values[0] != 2048 {
		t.Errorf("%+v", resident)
	}
}
