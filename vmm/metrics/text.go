// Package metrics serves a run's figures to Prometheus: the text form of its
// exposition format, version 0.0.4, over HTTP.
//
// It writes the few lines of that format itself. Importing client_golang would cost each
// start of the command 1.3 ms and VictoriaMetrics/metrics 0.7 ms, asked for or not
// (docs/howto/metrics.md), and all that is left for them here is to print numbers. The
// test reads what is served by Prometheus' own parser.
package metrics

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Kind is what a family's values mean.
type Kind string

// Kinds of families.
const (
	Counter Kind = "counter" // only grows, while the run lives
	Gauge   Kind = "gauge"
)

// Family is one metric with its samples. Name and help are the program's, values of
// labels may be anything.
type Family struct {
	Name, Help string
	Kind       Kind
	Samples    []Sample
}

// Sample is one value.
type Sample struct {
	Labels []string // names and values in turns
	Value  float64
}

// Add adds a sample to the family.
func (f *Family) Add(value float64, labels ...string) {
	f.Samples = append(f.Samples, Sample{labels, value})
}

var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// Write writes families in the text form. Errors are w's.
func Write(w io.Writer, families []Family) error {
	var b []byte
	for i := range families {
		f := &families[i]
		if len(f.Samples) == 0 {
			continue
		}
		b = fmt.Appendf(b, "# HELP %s %s\n# TYPE %s %s\n", f.Name, f.Help, f.Name, f.Kind)
		for _, s := range f.Samples {
			b = append(b, f.Name...)
			for j := 0; j+1 < len(s.Labels); j += 2 {
				b = append(b, "{,"[min(j, 1)])
				b = fmt.Appendf(b, `%s="%s"`, s.Labels[j], escape.Replace(s.Labels[j+1]))
			}
			if len(s.Labels) > 1 {
				b = append(b, '}')
			}
			b = append(b, ' ')
			b = strconv.AppendFloat(b, s.Value, 'g', -1, 64)
			b = append(b, '\n')
		}
	}
	_, err := w.Write(b)
	return err
}
