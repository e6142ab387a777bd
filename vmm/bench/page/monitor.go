package page

import (
	"fmt"

	"barreleye/vmm/bench"
)

// monitorPlans are the figures of bench monitor: the paper's Figure 8, up to 1,024 cores.
var monitorPlans = []plan{
	{
		id: "two_phases", title: "Two-phase commit, by cores", parts: "monitor",
		text: "An operation alone, and what one costs with 16 under way; to all cores directly, or over a tree. Simulated with the costs that this run measured on two cores; each core has a CPU of its own. " +
			"The paper's Figure 8 shows the same for 2 to 32 cores of an 8x4-core AMD, without numbers that could be set here.",
		x: axis{label: "cores", unit: countUnit}, y: axis{unit: timeUnit},
		lines: func(r *bench.Report) []series { return append(curves(r, 2), measured(r, "monitor_two_phases")...) },
	},
	{
		id: "one_phase", title: "One-phase commit, by cores", parts: "monitor",
		text: "As above, beside the paper's 8x4-core AMD of 2.0 GHz: Figure 6, messages of a shootdown alone, and Figure 7, a page unmapped on all cores, which is one phase. Of its lines the values at 2 and 32 cores are known.",
		x:    axis{label: "cores", unit: countUnit}, y: axis{unit: timeUnit},
		lines: func(r *bench.Report) []series {
			if r.Simulated == nil {
				return nil
			}
			return append(append(curves(r, 1), measured(r, "monitor_one_phase")...), paperOnePhase...)
		},
	},
	{
		id: "monitor_rows", title: "Operations, two cores", parts: "monitor",
		text: "Thick: 10 to 90 % of the samples, stroke: median, thin: shortest to 99 %; diamond: the messages that it takes.",
		x:    axis{unit: timeUnit},
		strips: func(r *bench.Report) (rows []bench.Row) {
			for _, x := range named(r, "monitor_lookup", "monitor_one_phase", "monitor_two_phases", "monitor_bind", "monitor_retype", "monitor_revoke", "monitor_messages") {
				if x.Params.Get("cores") == "2" {
					x.Params = x.Params[1:]
					rows = append(rows, x)
				}
			}
			return rows
		},
	},
}

// paperOnePhase are verified values of the paper's Figures 6 and 7, cycles of 2.0 GHz in ns.
var paperOnePhase = []series{
	{name: "Figure 6, unicast", kind: bench.Peer, points: []point{{32, 12_700 / 2.0}}},
	{name: "Figure 6, multicast", kind: bench.Peer, points: []point{{32, 4_800 / 2.0}}},
	{name: "Figure 6, NUMA-aware multicast", kind: bench.Peer, points: []point{{2, 1_300 / 2.0}, {32, 3_100 / 2.0}}},
	{name: "Figure 7, unmap", kind: bench.Peer, points: []point{{2, 10_300 / 2.0}, {32, 17_500 / 2.0}}},
}

// curves are the simulated ones of so many phases.
func curves(r *bench.Report, phases int) (out []series) {
	if r.Simulated == nil {
		return nil
	}
	for _, c := range r.Simulated.Curve {
		if c.Phases != phases {
			continue
		}
		s := series{name: c.Over, kind: bench.Ours}
		if c.InFlight > 1 {
			s.name += fmt.Sprintf(", %d under way", c.InFlight)
			s.kind, s.like = bench.Limit, c.Over // dashed, in the colour of the one alone
		}
		for _, p := range c.US {
			s.points = append(s.points, point{p[0], p[1] * 1e3})
		}
		out = append(out, s)
	}
	return out
}

// measured is what two guests took.
func measured(r *bench.Report, name string) []series {
	x := find(r, name, bench.Param{Key: "cores", Value: "2"})
	if x == nil {
		return nil
	}
	return []series{{name: "measured, two guests", kind: bench.Ours, points: []point{{2, median(x, 0)}}}}
}
