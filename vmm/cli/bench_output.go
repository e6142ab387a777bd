package cli

import (
	"errors"
	"io"

	"barreleye/vmm/bench"

	"github.com/spf13/cobra"
)

// benchFormat is the flag for the form of a benchmark's output.
type benchFormat string

// formatBenchstat is that of Go's benchmarks, beside text and JSON.
const formatBenchstat benchFormat = "benchstat"

// Set accepts the three forms.
func (f *benchFormat) Set(s string) error {
	switch v := benchFormat(s); v {
	case benchFormat(formatText), benchFormat(formatJSON), formatBenchstat:
		*f = v
		return nil
	}
	return errors.New("want text, json or benchstat")
}

// String returns the form.
func (f *benchFormat) String() string { return string(*f) }

// Type names the value in help texts.
func (f *benchFormat) Type() string { return "text|json|benchstat" }

// benchOutput is what becomes of a benchmark's report.
type benchOutput struct{ form benchFormat }

func (b *benchOutput) flags(cmd *cobra.Command) {
	b.form = benchFormat(formatText)
	cmd.Flags().VarP(&b.form, "output", "o", "form of the output; benchstat: lines as of Go's benchmarks")
	completeFlag(cmd, "output", string(formatText), string(formatJSON), string(formatBenchstat))
}

// write shows the report.
func (b *benchOutput) write(w io.Writer, r *bench.Report) error {
	switch b.form {
	case benchFormat(formatJSON):
		return r.JSON(w)
	case formatBenchstat:
		return r.GoBench(w)
	}
	r.Text(w)
	return nil
}
