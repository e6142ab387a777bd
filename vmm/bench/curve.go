package bench

import (
	"fmt"
	"io"
	"text/tabwriter"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/routes"
	"barreleye/guest/monitor/simulate/cost"
)

// Simulated is how long operations would take on many cores, by what they cost on two.
type Simulated struct {
	// What this run measured, in ns: an operation of one phase and of two that asks nobody;
	// what a core computes to say or to hear a line; the line's way.
	One   float64 `json:"one_phase_alone_ns"`
	Two   float64 `json:"two_phases_alone_ns"`
	Line  float64 `json:"line_ns"`
	Wire  float64 `json:"wire_ns"`
	Curve []Curve `json:"curves"`
}

// Curve is one kind of operation: us by cores. With several under way it is what each costs.
type Curve struct {
	Phases   int          `json:"phases"`
	Over     string       `json:"over"` // "direct" or "tree"
	InFlight int          `json:"inflight"`
	US       [][2]float64 `json:"us"` // cores, us
}

// sizes are how many cores are simulated.
var sizes = []int{2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}

// simulated makes the curves of what the rows of monitors say.
func simulated(r *Report) (*Simulated, error) {
	ns := func(label string) float64 {
		for i := range r.Rows {
			if r.Rows[i].Label() == label {
				return r.Rows[i].Percentiles.P25 * 1e3 // what else the machine does only adds
			}
		}
		return 0
	}
	s := &Simulated{One: ns("monitor_one_phase/cores=1"), Two: ns("monitor_two_phases/cores=1")}
	// Of the four lines of an operation core 0 says two and hears two. Where 16 are under
	// way that is what limits them; alone, an operation takes that and the lines' way, which
	// is not less than that between programs.
	least := ns("monitor_messages/cores=2") / 2
	each := (ns("monitor_two_phases/cores=2") - s.Two) / 4
	s.Line = (ns("monitor_two_phases/cores=2/inflight=16") - ns("monitor_two_phases/cores=1/inflight=16")) / 4
	s.Line = max(1, min(s.Line, (each-least)/2))
	s.Wire = max(least, each-2*s.Line)
	for _, c := range []Curve{
		{1, "direct", 1, nil}, {1, "tree", 1, nil}, {2, "direct", 1, nil}, {2, "tree", 1, nil},
		{2, "direct", agreement.Window, nil}, {2, "tree", agreement.Window, nil},
	} {
		m := cost.Model{Begin: s.One, Say: s.Line, Wire: s.Wire, Hear: s.Line}
		if c.Phases == 2 {
			m.Begin = s.Two
		}
		for _, n := range sizes {
			run := cost.Run{Cores: n, TwoPhases: c.Phases == 2, Operations: 1, InFlight: c.InFlight}
			if c.Over == "tree" {
				run.Tree = routes.Balanced(n)
			}
			if c.InFlight > 1 {
				run.Operations = 4 * c.InFlight
			}
			all, err := m.Time(run)
			if err != nil {
				return nil, err
			}
			c.US = append(c.US, [2]float64{float64(n), round(all / float64(run.Operations) / 1e3)})
		}
		s.Curve = append(s.Curve, c)
	}
	return s, nil
}

// text writes the curves as a table.
func (s *Simulated) text(w io.Writer) {
	if s == nil {
		return
	}
	fmt.Fprintf(w, "simulated, a CPU for each core: us of an operation, by %.0f ns to say or hear a line, %.0f ns for its way:\n", s.Line, s.Wire)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "CORES\t")
	for _, c := range s.Curve {
		name := fmt.Sprintf("%d PHASE %s", c.Phases, c.Over)
		if c.InFlight > 1 {
			name += fmt.Sprintf(" /%d", c.InFlight)
		}
		fmt.Fprintf(t, "%s\t", name)
	}
	fmt.Fprintln(t)
	for i, n := range sizes {
		fmt.Fprintf(t, "%d\t", n)
		for _, c := range s.Curve {
			fmt.Fprintf(t, "%.2f\t", c.US[i][1])
		}
		fmt.Fprintln(t)
	}
	t.Flush()
}
