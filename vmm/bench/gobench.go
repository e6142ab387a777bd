package bench

import (
	"bufio"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// groups is how many lines a row gets in Go's benchmark format: as many as
// benchstat wants for its tests, each the median of consecutive samples.
const groups = 10

// GoBench writes the report in the format of Go's benchmarks, for benchstat. Times
// are ns/op, whatever the row's unit, where an operation is a message, a call or
// what else the row counts; beside them stand the limit and, as it drifts less than
// either, the ratio of the two.
func (r *Report) GoBench(w io.Writer) error {
	out := bufio.NewWriter(w)
	key := func(name, value string) {
		if value != "" {
			fmt.Fprintf(out, "%s: %s\n", name, value)
		}
	}
	key("goos", runtime.GOOS)
	key("goarch", runtime.GOARCH)
	key("pkg", "barreleye/vmm/bench")
	key("cpu", r.CPU)
	key("platform", strings.TrimSpace(r.Platform+" "+r.Flavour))
	if e := r.Environment; e != nil {
		key("kernel", e.Kernel)
		key("version", e.Version)
		key("date", e.Date)
		key("noisy", strings.Join(e.Noise.Why, "; "))
	}
	fmt.Fprintln(out, "Unit ratio better=lower")
	for i := range r.Rows {
		r.Rows[i].goBench(out, r.CPUs)
	}
	return out.Flush()
}

// goBench writes a row's lines, none if it has no samples.
func (r *Row) goBench(w io.Writer, cpus int) {
	unit, scale := goUnit(r.Unit)
	for g, lines := 0, min(groups, len(r.Samples)); g < lines; g++ {
		part := func(s []float64) []float64 {
			return slices.Sorted(slices.Values(s[g*len(s)/lines : (g+1)*len(s)/lines]))
		}
		ours := part(r.Samples)
		m := quantile(ours, 0.5)
		fmt.Fprintf(w, "Benchmark%s-%d\t%d\t%s %s", goName(r.Label()), cpus, len(ours)*max(1, r.PerSample), number(m*scale), unit)
		if len(r.LimitSamples) >= lines {
			l := quantile(part(r.LimitSamples), 0.5)
			fmt.Fprintf(w, "\t%s limit-%s", number(l*scale), unit)
			if l > 0 {
				fmt.Fprintf(w, "\t%s ratio", number(m/l))
			}
		}
		fmt.Fprintln(w)
	}
}

// number writes a value as benchmarks do, never with an exponent.
func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// goUnit returns the unit that benchstat knows and what to multiply by.
func goUnit(unit string) (name string, scale float64) {
	name, per, _ := strings.Cut(unit, "/")
	if per == "" || per == "message" {
		per = "op"
	}
	switch name {
	case "ns":
		return "ns/" + per, 1
	case "us":
		return "ns/" + per, 1e3
	case "ms":
		return "ns/" + per, 1e6
	case "KiB":
		return "B/" + per, 1024
	}
	return strings.ReplaceAll(unit, " ", "_"), 1
}

// goName turns a label into the name of a benchmark: "peer_stream/ring=1024" into
// "PeerStream/ring=1024".
func goName(label string) string {
	name, params, _ := strings.Cut(label, "/")
	var out strings.Builder
	for word := range strings.SplitSeq(name, "_") {
		if word != "" {
			out.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	if params != "" {
		out.WriteString("/" + strings.ReplaceAll(params, " ", "_"))
	}
	return out.String()
}
