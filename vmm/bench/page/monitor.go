package page

import (
	"fmt"

	"barreleye/vmm/bench"
)

// monitorPlans are the figures of bench monitor: what the paper's Figures 6 to 8 show, up to 1,024 cores.
var monitorPlans = []plan{
	{
		id: "two_phases", title: "Two-phase commit, by cores", parts: "monitor",
		text: "An operation alone, and what one costs with 16 under way; to all cores directly, or over a tree. Simulated with the costs that this run measured on two cores; each core has a CPU of its own. " +
			"Thin: what the messages of two rounds take on the paper's 8x4-core AMD of 2.0 GHz, which is twice its Figure 6. " +
			"Its Figure 8 shows two phases of that machine, but has no numbers in the text, and its drawing was not at hand.",
		x: axis{label: "cores", unit: countUnit}, y: axis{unit: timeUnit},
		lines: phases(2, "monitor_two_phases", paperTwice),
	},
	{
		id: "one_phase", title: "One-phase commit, by cores", parts: "monitor",
		text: "As above, beside the paper's 8x4-core AMD of 2.0 GHz: Figure 6, messages of a shootdown alone, and Figure 7, a page unmapped on all cores, which is one phase.",
		x:    axis{label: "cores", unit: countUnit}, y: axis{unit: timeUnit},
		lines: phases(1, "monitor_one_phase", paperOnePhase),
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

// The paper has its Figures 6 and 7 as drawings only. These are the values of the drawings, at
// 2 to 32 cores in thousands of cycles: read off by their axes, between the markers where a
// line has no other on it, Figure 6 to 0.04 and Figure 7 to 0.15.
var (
	figure6Unicast = []float64{
		1.17, 1.27, 1.29, 1.37, 1.56, 1.48, 1.73, 1.82, 1.94, 2.09, 2.42, 3.05, 3.32, 3.72, 4.34, 5.12,
		5.56, 6.08, 6.61, 7.29, 7.75, 8.37, 8.79, 9.25, 9.83, 10.22, 10.72, 11.18, 11.68, 12.25, 12.71,
	}
	figure6Multicast = []float64{
		1.35, 1.47, 1.49, 1.97, 2.58, 2.55, 2.54, 2.74, 2.75, 2.76, 2.76, 2.85, 2.93, 2.94, 3.06, 3.06,
		3.83, 3.83, 3.80, 3.65, 4.75, 4.48, 4.54, 4.77, 4.72, 4.71, 4.96, 4.83, 4.83, 4.89, 4.82,
	}
	figure6NUMA = []float64{
		1.35, 1.47, 1.49, 1.95, 2.39, 2.40, 2.40, 2.63, 2.64, 2.67, 2.61, 2.76, 2.76, 2.76, 2.77, 2.80,
		2.84, 2.80, 2.84, 2.93, 2.93, 2.93, 2.93, 2.98, 3.03, 3.01, 3.18, 3.13, 3.12, 3.12, 3.19,
	}
	figure7Barrelfish = []float64{
		10.58, 10.58, 10.58, 10.60, 12.03, 12.39, 12.80, 13.28, 13.33, 13.33, 13.35, 13.94, 13.98, 14.10, 14.18, 14.78,
		14.82, 14.94, 15.06, 15.70, 15.78, 15.86, 16.20, 16.65, 16.67, 16.73, 16.83, 17.32, 17.57, 17.57, 17.63,
	}
)

// paperOnePhase are messages to all cores and back (Figure 6) and an operation of one phase.
func paperOnePhase() []series {
	return []series{
		drawn("Figure 6, unicast", figure6Unicast, 1),
		drawn("Figure 6, multicast", figure6Multicast, 1),
		drawn("Figure 6, NUMA-aware multicast", figure6NUMA, 1),
		drawn("Figure 7, unmap", figure7Barrelfish, 1),
	}
}

// paperTwice are two rounds of messages, as two phases have them.
func paperTwice() []series {
	return []series{
		drawn("Figure 6 twice, unicast", figure6Unicast, 2),
		drawn("Figure 6 twice, NUMA-aware multicast", figure6NUMA, 2),
	}
}

// drawn turns thousands of cycles of 2.0 GHz, at 2 cores and more, into ns.
func drawn(name string, kilocycles []float64, rounds float64) series {
	s := series{name: name, kind: bench.Peer}
	for i, k := range kilocycles {
		s.points = append(s.points, point{float64(2 + i), rounds * k * 1000 / 2.0})
	}
	return s
}

// phases returns the lines of operations of so many phases: simulated, as measured under a name,
// and the paper's. There are none without a simulation.
func phases(n int, name string, paper func() []series) func(*bench.Report) []series {
	return func(r *bench.Report) []series {
		if r.Simulated == nil {
			return nil
		}
		return append(append(curves(r, n), measured(r, name)...), paper()...)
	}
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
