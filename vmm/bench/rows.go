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

// Kinds of rows.
const (
	Ours  = "ours"  // what Barreleye does
	Limit = "limit" // what memory, KVM or Linux allow at best
	Peer  = "peer"  // what others do who do the same work
)

// Row is one figure. Median, P99 and Limit, which is a median too, are in Unit; Ratio is
// how much more than the limit it is, by the middle halves of both's samples, 0 where there
// is no limit. Rows of one name differ in Params. Its JSON names are stable.
type Row struct {
	Name    string  `json:"name"`
	Params  Params  `json:"params,omitempty"`
	Kind    string  `json:"kind"`
	Unit    string  `json:"unit"`
	Median  float64 `json:"median"`
	P99     float64 `json:"p99"`
	Limit   float64 `json:"limit"`
	LimitOf string  `json:"limit_of,omitempty"` // what the limit is
	Ratio   float64 `json:"ratio"`
	Note    string  `json:"note,omitempty"`

	// PerSample is how many messages a sample is the mean of: 1 where each was
	// timed by itself.
	PerSample   int         `json:"per_sample"`
	Percentiles Percentiles `json:"percentiles"`
	Histogram   []Bucket    `json:"histogram"`

	Allocs float64 `json:"allocs_per_message"` // objects allocated, where counted

	// In Unit, in the order in which they were measured.
	Samples      []float64 `json:"-"`
	LimitSamples []float64 `json:"-"`
}

// row makes a row of samples and those of its limit, scaled to unit. Each sample
// is one event of its own; see per.
func row(name, unit string, scale float64, samples, limit []float64) Row {
	r := Row{Name: name, Kind: Ours, Unit: unit, PerSample: 1, Samples: scaled(samples, scale), LimitSamples: scaled(limit, scale)}
	sorted := slices.Sorted(slices.Values(r.Samples))
	r.Median, r.P99 = round(quantile(sorted, 0.5)), round(quantile(sorted, 0.99))
	r.Percentiles, r.Histogram = percentiles(sorted), histogram(sorted)
	if len(limit) > 0 {
		limit := slices.Sorted(slices.Values(r.LimitSamples))
		r.Limit = round(quantile(limit, 0.5))
		r.Ratio = math.Round(middle(sorted)/middle(limit)*1000) / 1000
	}
	return r
}

// with adds a parameter.
func (r Row) with(key, value string) Row {
	r.Params = append(slices.Clip(r.Params), Param{key, value})
	return r
}

// per says that each sample is the mean of n messages.
func (r Row) per(n int) Row { r.PerSample = n; return r }

// kind says what the row is about, if not ours.
func (r Row) kind(k string) Row { r.Kind = k; return r }

// of says what its limit is.
func (r Row) of(limit string) Row { r.LimitOf = limit; return r }

// Label names the row among all: "call/payload=64/where=cores".
func (r *Row) Label() string {
	label := r.Name
	for _, p := range r.Params {
		label += "/" + p.Key + "=" + p.Value
	}
	return label
}

// Report is the result of a benchmark and where it ran.
type Report struct {
	Platform   string `json:"platform"`
	Flavour    string `json:"flavour"`
	CPU        string `json:"cpu"`
	CPUs       int    `json:"cpus"`
	HaltPollNS int    `json:"halt_poll_ns"`
	Rows       []Row  `json:"rows"`

	Environment *Environment `json:"environment,omitempty"`

	KV []KVRow `json:"kv,omitempty"` // of that benchmark, every store

	Simulated *Simulated `json:"simulated,omitempty"` // of monitors
}

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
		if x.Percentiles.N == 0 { // not measured, and the note says why
			fmt.Fprintf(t, "%s\t%s\t-\t-\t-\t-\t\n", x.Label(), x.Unit)
			continue
		}
		if x.Limit != 0 {
			limit, ratio = fmt.Sprintf("%.2f", x.Limit), fmt.Sprintf("%.2f", x.Ratio)
		}
		fmt.Fprintf(t, "%s\t%s\t%.2f\t%.2f\t%s\t%s\t\n", x.Label(), x.Unit, x.Median, x.P99, limit, ratio)
	}
	t.Flush()
	r.textKV(w)
	r.Simulated.text(w)
	for _, x := range r.Rows {
		if x.Note != "" {
			fmt.Fprintf(w, "%s: %s\n", x.Label(), x.Note)
		}
	}
}
