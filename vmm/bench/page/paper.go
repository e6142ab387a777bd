package page

import (
	"fmt"

	"barreleye/vmm/bench"
)

// paper sets the tables of Baumann et al., "The Multikernel", SOSP 2009, beside
// the run. Cycles are those of the machine's own clock.
type paper struct {
	Machine string // ours
	Table2  []urpcLine
	Table3  []ipcLine
}

// urpcLine is a line of Table 2: a message of 64 bytes one way, and messages per
// thousand cycles with 16 under way. About: the value is not verified.
type urpcLine struct {
	Machine, Route, Cycles, NS, Rate string
	Ours                             bool
}

// ipcLine is a line of Table 3.
type ipcLine struct {
	What, Latency, Rate, ICache, DCache string
	Ours                                bool
}

// paperTable2 is Table 2; GHz of each machine turn cycles into ns.
var paperTable2 = []struct {
	machine, route, cycles, rate string
	low, high                    float64 // cycles
	ghz                          float64
}{
	{"2x4-core Intel, 2.66 GHz", "shared cache", "180", "11.97", 180, 180, 2.66},
	{"2x4-core Intel, 2.66 GHz", "non-shared", "about 570", "about 3.78", 570, 570, 2.66},
	{"2x2-core AMD, 2.8 GHz", "same die", "450", "3.42", 450, 450, 2.8},
	{"2x2-core AMD, 2.8 GHz", "one hop", "about 532", "about 3.19", 532, 532, 2.8},
	{"4x4-core AMD, 2.5 GHz", "shared cache to two hops", "about 448-558", "about 3.5", 448, 558, 2.5},
	{"8x4-core AMD, 2.0 GHz", "shared cache to two hops", "538-618", "2.8", 538, 618, 2.0},
}

// besidePaper returns nil where the report has no message or no TSC.
func besidePaper(r *bench.Report) *paper {
	if r.Environment == nil || r.Environment.TSCKHz == 0 || find(r, "ring") == nil {
		return nil
	}
	ghz := float64(r.Environment.TSCKHz) / 1e6
	p := &paper{Machine: fmt.Sprintf("this run: %s, TSC %.2f GHz, %s %s", r.CPU, ghz, r.Platform, r.Flavour)}
	for _, l := range paperTable2 {
		ns := fmt.Sprintf("%.0f", l.low/l.ghz)
		if l.high > l.low {
			ns += fmt.Sprintf("-%.0f", l.high/l.ghz)
		}
		p.Table2 = append(p.Table2, urpcLine{l.machine, l.route, l.cycles, ns, l.rate, false})
	}
	rateOf := func(x *bench.Row) string {
		if x == nil || x.Median <= 0 {
			return "-"
		}
		return fmt.Sprintf("%.2f", 1e3/(x.Median*ghz))
	}
	inFlight := find(r, "ring_inflight", bench.Param{Key: "inflight", Value: "16"})
	for _, o := range []struct {
		name, who, route string
		rate             string
	}{
		{"ring", "Barreleye", "two rings", rateOf(inFlight)}, {"ring_limit_cores", "bare assembly", "two lines", "-"},
		{"call", "Barreleye", "a call's line", "-"}, {"call_limit_cores", "bare assembly", "one line", "-"},
	} {
		if x := find(r, o.name); x != nil && x.Percentiles.N > 0 {
			half := x.Median / 2
			p.Table2 = append(p.Table2, urpcLine{o.who, o.route, fmt.Sprintf("%.0f", half*ghz), fmt.Sprintf("%.0f", half), o.rate, true})
		}
	}
	p.Table3 = []ipcLine{
		{"URPC, 2x2-core AMD, 2.8 GHz", "450", "3.42", "9", "8", false},
		{"L4 IPC on one core, 2x2-core AMD, 2.8 GHz", "424", "2.36", "25", "13", false},
		{"Barreleye, two rings", fmt.Sprintf("%.0f", find(r, "ring").Median/2*ghz), rateOf(inFlight), "-", "-", true},
	}
	if x := find(r, "rpc_same_core"); x != nil && x.Percentiles.N > 0 {
		p.Table3 = append(p.Table3, ipcLine{"Barreleye, rpc on one core", fmt.Sprintf("%.0f", x.Median/2*ghz), rateOf(x), "-", "-", true})
	}
	return p
}
