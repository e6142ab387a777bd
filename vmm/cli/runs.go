package cli

import (
	"fmt"
	"text/tabwriter"
	"time"

	"barreleye/vmm/runs"

	"github.com/spf13/cobra"
)

// runInfo is one run as `barreleye runs` shows it: what its folder says, and
// what is known by looking.
type runInfo struct {
	*runs.Run
	State string `json:"state"`
	Dir   string `json:"dir"`
}

func infos(list []*runs.Run) []runInfo {
	all := []runInfo{}
	for _, r := range list {
		all = append(all, runInfo{r, r.State(), r.Dir})
	}
	return all
}

func (h *Host) runsCommand() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "List the runs, the newest first",
		Long: `Runs lists the runs that keep their logs in $XDG_STATE_HOME/barreleye/runs (or the same
below ~/.local/state), the newest first: running, ended (with its exit code), or died,
which is one whose command was killed before it could write down an end.`,
		Example: `  barreleye runs
  barreleye runs -o json | jq -r '.[] | select(.state == "running") | .id'
  barreleye runs prune --keep 10`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return h.runs(output) },
	}
	outputFlag(cmd, &output)
	cmd.AddCommand(h.pruneCommand())
	return cmd
}

func (h *Host) runs(output format) error {
	list, err := h.listRuns()
	if err != nil {
		return err
	}
	if output == formatJSON {
		return writeJSON(h.Stdout, infos(list))
	}
	return h.runsTable(list)
}

func (h *Host) listRuns() ([]*runs.Run, error) {
	root, err := h.runsDir()
	if err != nil {
		return nil, err
	}
	return runs.List(root)
}

func (h *Host) runsTable(list []*runs.Run) error {
	w := tabwriter.NewWriter(h.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "RUN\tSTATE\tEXIT\tSTARTED\tTOOK\tCORES\tIMAGE\tDIR")
	for _, r := range list {
		exit, took := "-", "-"
		if r.ExitCode != nil {
			exit = fmt.Sprint(*r.ExitCode)
		}
		switch {
		case r.Ended != nil:
			took = tidy(r.Ended.Sub(r.Started))
		case r.State() == runs.Running:
			took = tidy(time.Since(r.Started))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", r.ID, r.State(), exit,
			r.Started.Local().Format("2006-01-02 15:04:05"), took, r.Cores, r.Image, r.Dir)
	}
	return w.Flush()
}

// tidy rounds a duration to what is worth reading.
func tidy(d time.Duration) string {
	if d < time.Minute {
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func (h *Host) pruneCommand() *cobra.Command {
	var (
		keep   int
		older  age
		dryRun bool
		output format
	)
	cmd := &cobra.Command{
		Use:   "prune (--keep N | --older DURATION) [flags]",
		Short: "Remove folders of runs that have ended",
		Long: `Prune removes the folders of runs that have ended or died, and lists them. A run that
lives is never removed. With both --keep and --older it removes what both allow.`,
		Example: `  barreleye runs prune --keep 10
  barreleye runs prune --older 7d --dry-run`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("keep") && !cmd.Flags().Changed("older") {
				return usage("runs prune: nothing said about what to remove: --keep N or --older DURATION ('--keep 0' removes all that have ended)")
			}
			if keep < 0 {
				return usage("runs prune: --keep %d: give a number from 0 on", keep)
			}
			return h.prune(keep, time.Duration(older), dryRun, output)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.IntVar(&keep, "keep", 0, "keep the newest `N` runs")
	flags.Var(&older, "older", "keep runs that ended less than this ago: 12h, 7d")
	flags.BoolVar(&dryRun, "dry-run", false, "only list what would be removed")
	outputFlag(cmd, &output)
	return cmd
}

func (h *Host) prune(keep int, older time.Duration, dryRun bool, output format) error {
	list, err := h.listRuns()
	if err != nil {
		return err
	}
	list = runs.Prune(list, keep, older, time.Now())
	all := infos(list)
	if !dryRun {
		gone := all[:0]
		for i, r := range list {
			removed, err := r.Remove()
			if err != nil {
				return &failure{CodeHost, err}
			}
			if removed { // it may have been started again meanwhile
				gone = append(gone, all[i])
			}
		}
		all = gone
	}
	if output == formatJSON {
		return writeJSON(h.Stdout, all)
	}
	if len(all) == 0 {
		h.note("no run to remove")
		return nil
	}
	verb := "removed"
	if dryRun {
		verb = "would remove"
	}
	for _, r := range all {
		fmt.Fprintf(h.Stdout, "%s %s (%s)\n", verb, r.Dir, r.State)
	}
	return nil
}
