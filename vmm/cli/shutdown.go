package cli

import (
	"errors"
	"fmt"

	"barreleye/vmm/control"
	"barreleye/vmm/operator"
	"barreleye/vmm/runs"

	"github.com/spf13/cobra"
)

func (h *Host) shutdownCommand() *cobra.Command {
	var (
		f      endFlags
		output format
	)
	cmd := &cobra.Command{
		Use:   "shutdown [flags] [RUN]",
		Short: "End a run",
		Long: `Shutdown ends a run, and returns once that is so. Programs are told (SIGTERM), and given
time for what they have under way. The run's exit code is what its cores came to, and is
shown; the command's own is 0. RUN is as for 'barreleye ps'.`,
		Example: `  barreleye shutdown
  barreleye shutdown --now 20261124-115227`,
		Args: needs(),
		RunE: func(_ *cobra.Command, args []string) error {
			return h.shutdown(f, output, runAfter(args, 0))
		},
		ValidArgsFunction: h.completeLivingAfter(0),
	}
	f.register(cmd)
	cmd.Flags().Lookup("now").Usage = "stop the cores at once: programs are not told"
	cmd.Flags().Lookup("grace").Usage = "how long programs may take; 0 for what run --grace said"
	outputFlag(cmd, &output)
	return cmd
}

func (h *Host) shutdown(f endFlags, output format, name string) error {
	ending, err := f.ending("shutdown")
	if err != nil {
		return err
	}
	client, run, err := h.connect("shutdown", name)
	if err != nil {
		return err
	}
	defer client.Close()
	var end operator.End
	err = client.Do(operator.Shutdown, ending, &end)
	var hungUp *control.Error
	if errors.As(err, &hungUp) && hungUp.Kind == control.KindEnded {
		// it was ending already: what it came to is in its folder
		if now, e := runs.Open(run.Dir); e == nil && now.ExitCode != nil {
			end.ExitCode, err = *now.ExitCode, nil
		}
	}
	if err != nil {
		return err
	}
	if output == formatJSON {
		return writeJSON(h.Stdout, end)
	}
	_, err = fmt.Fprintf(h.Stdout, "run %s has ended with code %d\n", run.ID, end.ExitCode)
	return err
}
