package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"barreleye/vmm/bench"
	"barreleye/vmm/bench/page"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
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
type benchOutput struct {
	form benchFormat
	html string // file of the page, "" for none

	page *os.File
	made bool // the file was not there before
}

func (b *benchOutput) flags(cmd *cobra.Command) {
	b.form = benchFormat(formatText)
	cmd.Flags().VarP(&b.form, "output", "o", "form of the output; benchstat: lines as of Go's benchmarks")
	completeFlag(cmd, "output", string(formatText), string(formatJSON), string(formatBenchstat))
	cmd.Flags().StringVar(&b.html, "html", "", "write a page with plots and tables to this file too")
}

// open opens the page's file, before minutes go into what would be lost. A file
// that is there keeps its content until the page is written.
func (b *benchOutput) open() error {
	if b.html == "" {
		return nil
	}
	_, err := os.Lstat(b.html)
	b.made = errors.Is(err, os.ErrNotExist)
	if b.page, err = os.OpenFile(b.html, os.O_CREATE|os.O_WRONLY, 0o644); err != nil {
		return &failure{CodeHost, fmt.Errorf("bench: --html: %w: name a file in a folder that you may write to", err)}
	}
	return nil
}

// abandon closes the page's file if nothing was written to it, and removes it if
// it was not there before.
func (b *benchOutput) abandon() {
	if b.page == nil {
		return
	}
	b.page.Close()
	if b.made {
		os.Remove(b.html)
	}
}

// write shows the report, and then, as it can fail, draws the page.
func (b *benchOutput) write(w io.Writer, r *bench.Report, title string) error {
	var err error
	switch b.form {
	case benchFormat(formatJSON):
		err = r.JSON(w)
	case formatBenchstat:
		err = r.GoBench(w)
	default:
		r.Text(w)
	}
	if err != nil {
		return err
	}
	return b.writePage(r, title)
}

// writePage draws the page into its file, if one is wanted.
func (b *benchOutput) writePage(r *bench.Report, title string) error {
	if b.page == nil {
		return nil
	}
	f := b.page
	b.page = nil
	defer f.Close()
	err := f.Truncate(0)
	if err == nil || errors.Is(err, unix.EINVAL) { // a pipe cannot be shortened, nor needs to
		err = page.Write(f, r, title)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return &failure{CodeHost, fmt.Errorf("bench: --html %s: %w: name a file in a folder with room", b.html, err)}
	}
	return nil
}
