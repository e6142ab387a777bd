// Package bench measures what the project promises, each figure beside its
// limit measured in the same run: URPC beside the cache's own speed, wake-ups
// beside the least code that can do the same, computing beside a Linux
// process. It prints; it never judges.
package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"barreleye/vmm/multikernel"
)

// Row is one figure. Median, P99 and Limit are in Unit; Ratio is median over
// limit, 0 where there is no limit. Its JSON names are stable.
type Row struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit"`
	Median float64 `json:"median"`
	P99    float64 `json:"p99"`
	Limit  float64 `json:"limit"`
	Ratio  float64 `json:"ratio"`
	Note   string  `json:"note,omitempty"`
}

// Report is the result of a benchmark and where it ran.
type Report struct {
	Platform   string `json:"platform"`
	Flavour    string `json:"flavour"`
	CPU        string `json:"cpu"`
	CPUs       int    `json:"cpus"`
	HaltPollNS int    `json:"halt_poll_ns"`
	Rows       []Row  `json:"rows"`

	KV []KVRow `json:"kv,omitempty"` // of that benchmark, every store
}

// quantile returns the q-quantile of samples, which it sorts.
func quantile(samples []float64, q float64) float64 {
	if len(samples) == 0 {
		return math.NaN()
	}
	slices.Sort(samples)
	return samples[min(int(q*float64(len(samples))), len(samples)-1)]
}

// row makes a row of samples and those of its limit, scaled to unit.
func row(name, unit string, scale float64, samples, limit []float64) Row {
	r := Row{Name: name, Unit: unit, Median: round(quantile(samples, 0.5) / scale), P99: round(quantile(samples, 0.99) / scale)}
	if len(limit) > 0 {
		l := quantile(limit, 0.5)
		r.Limit = round(l / scale)
		r.Ratio = math.Round(quantile(samples, 0.5)/l*1000) / 1000
	}
	return r
}

func round(v float64) float64 { return math.Round(v*100) / 100 }

// JSON writes the report.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// platform says what the cores were: "kvm pvm, halt polling 200 us".
func (r *Report) platform() string {
	if r.Platform != multikernel.PlatformKVM {
		return r.Platform + ": cores are Linux processes"
	}
	return fmt.Sprintf("%s %s, halt polling %d us", r.Platform, r.Flavour, r.HaltPollNS/1000)
}

// Text writes the report as a table.
func (r *Report) Text(w io.Writer) {
	fmt.Fprintf(w, "%s, %d CPUs, %s\n", r.CPU, r.CPUs, r.platform())
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "NAME\tUNIT\tMEDIAN\tP99\tLIMIT\tRATIO\t")
	for _, x := range r.Rows {
		limit, ratio := "-", "-"
		if x.Limit != 0 {
			limit, ratio = fmt.Sprintf("%.2f", x.Limit), fmt.Sprintf("%.2f", x.Ratio)
		}
		fmt.Fprintf(t, "%s\t%s\t%.2f\t%.2f\t%s\t%s\t\n", x.Name, x.Unit, x.Median, x.P99, limit, ratio)
	}
	t.Flush()
	r.textKV(w)
	for _, x := range r.Rows {
		if x.Note != "" {
			fmt.Fprintf(w, "%s: %s\n", x.Name, x.Note)
		}
	}
}
