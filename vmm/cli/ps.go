package cli

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"barreleye/vmm/multikernel"
	"barreleye/vmm/operator"

	"github.com/spf13/cobra"
)

func (h *Host) psCommand() *cobra.Command {
	var (
		monitors bool
		output   format
	)
	cmd := &cobra.Command{
		Use:   "ps [flags] [RUN]",
		Short: "Show how the cores of a run are that lives",
		Long: `Ps lists the cores of a run that lives: which life each is in, which image it runs on
which CPU, its state, and what it has used so far. RUN is the ID of a run, a start of one
that no other has, or a folder that was given to run --dir; it may be left out where one
run lives. A core whose monitor does not answer within a second says so. With --monitors
each living core's monitor says who is a member, and what is being agreed on.`,
		Example: `  barreleye ps
  barreleye ps 20261124-115227
  barreleye ps -o json | jq -r '.cores[] | select(.state == "crashed") | .core'`,
		Args: needs(),
		RunE: func(_ *cobra.Command, args []string) error {
			if monitors {
				return h.psMonitors(output, runAfter(args, 0))
			}
			return h.ps(output, runAfter(args, 0))
		},
		ValidArgsFunction: h.completeLivingAfter(0),
	}
	cmd.Flags().BoolVar(&monitors, "monitors", false, "show the monitors instead: members, and operations under way")
	outputFlag(cmd, &output)
	return cmd
}

func (h *Host) ps(output format, name string) error {
	client, _, err := h.connect("ps", name)
	if err != nil {
		return err
	}
	defer client.Close()
	var report multikernel.Report
	if err := client.Do(operator.Ps, nil, &report); err != nil {
		return err
	}
	if output == formatJSON {
		return writeJSON(h.Stdout, &report)
	}
	return psTable(h.Stdout, &report)
}

// psTable writes a core a line.
func psTable(w io.Writer, r *multikernel.Report) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "CORE\tLIFE\tIMAGE\tCPU\tSTATE\tEXIT\tCPU TIME\tSTEAL\tRSS KiB\tMEM KiB\tOF KiB\tMAX KiB\tSENT\tRECEIVED")
	for _, c := range r.Cores {
		fmt.Fprintf(t, "%d\t%d\t%s\t%d\t%s\t%d\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\n", c.Core, c.Life, c.Image, c.CPU, stateOf(&c), c.ExitCode,
			tidy(time.Duration(c.CPUNS)), tidy(time.Duration(c.StealNS)), c.ResidentKiB, c.FramesUsed*4, c.FramesTotal*4, c.FramesLimit*4, c.Sent, c.Received)
	}
	return t.Flush()
}

// stateOf is a core's state, with its power state while it runs.
func stateOf(c *multikernel.CoreReport) string {
	if c.State == "running" {
		return c.State + "/" + c.Power
	}
	return c.State
}
