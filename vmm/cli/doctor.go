package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// Outcomes of a check.
const (
	statusOK   = "ok"
	statusNote = "note" // something is missing that not everybody wants
	statusWarn = "warn" // cores run, but something is slower or missing
	statusFail = "FAIL" // no core can run
)

// check is one line of the doctor.
type check struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"` // what to do, where the status is not ok
}

// diagnosis is all that the doctor found.
type diagnosis struct {
	OK     bool    `json:"ok"` // cores can run
	Checks []check `json:"checks"`

	code int // exit code of the first failure
}

func (d *diagnosis) ok(name, format string, args ...any) {
	d.Checks = append(d.Checks, check{name, statusOK, fmt.Sprintf(format, args...), ""})
}

func (d *diagnosis) note(name, detail, fix string) {
	d.Checks = append(d.Checks, check{name, statusNote, detail, fix})
}

func (d *diagnosis) warn(name, detail, fix string) {
	d.Checks = append(d.Checks, check{name, statusWarn, detail, fix})
}

func (d *diagnosis) fail(name string, err error, fix string) {
	if d.OK {
		d.OK, d.code = false, codeOf(err)
	}
	d.Checks = append(d.Checks, check{name, statusFail, err.Error(), fix})
}

func (h *Host) doctorCommand() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find out whether cores can run here, by trying",
		Long: `Doctor looks at what cores need of this machine: it opens KVM, creates a VM, has
its vCPU execute some instructions, and boots the image hello on one core. Each line
is ok, note (something is missing that not everybody wants), warn (cores run, but
slower, or something is missing) or FAIL, with what to do about it.

The exit code is 0 if cores can run, else the one that 'barreleye run' would end with.`,
		Example: "  barreleye doctor\n  barreleye doctor -o json",
		Args:    noArguments,
		RunE:    func(*cobra.Command, []string) error { return h.doctor(output) },
	}
	outputFlag(cmd, &output)
	return cmd
}

func (h *Host) doctor(output format) error {
	d := &diagnosis{OK: true, Checks: []check{}}
	checkHost(d)
	h.checkKVM(d)
	if d.OK {
		h.checkBoot(d)
	}
	h.checkLogs(d)
	checkGo(d)
	checkLane(d)
	if output == formatJSON {
		if err := writeJSON(h.Stdout, d); err != nil {
			return err
		}
		return exitWith(d.code)
	}
	w := tabwriter.NewWriter(h.Stdout, 0, 8, 2, ' ', 0)
	for _, c := range d.Checks {
		fmt.Fprintf(w, "%s\t%s\t%s\n", c.Status, c.Name, c.Detail)
		if c.Fix != "" {
			fmt.Fprintf(w, "\t\tto do: %s\n", c.Fix)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if d.OK {
		fmt.Fprintln(h.Stdout, "Cores can run here.")
	} else {
		fmt.Fprintln(h.Stdout, "No core can run here yet.")
	}
	return exitWith(d.code)
}
