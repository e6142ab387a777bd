package cli

import (
	"errors"
	"fmt"
	"io/fs"

	"barreleye/vmm/autopsy"
	"barreleye/vmm/runs"

	"github.com/spf13/cobra"
)

// autopsyFlags are what `barreleye autopsy` can be told.
type autopsyFlags struct {
	core   int
	life   uint64
	output format
}

func (h *Host) autopsyCommand() *cobra.Command {
	f := &autopsyFlags{}
	cmd := &cobra.Command{
		Use:   "autopsy [flags] [RUN]",
		Short: "Show what a core that ended badly left",
		Long: `Autopsy shows how lives of cores ended that did not end well: the way it ended,
registers and stacks, the last messages on the channels with each peer, counters, what
was mapped, what its monitor had decided and not all had confirmed, and the core's last
lines. It reads the run's folder, so it works while the
other cores go on, and when the run is over. Of each core the last such life is shown,
unless --life names one. RUN is as for 'barreleye logs'.`,
		Example: `  barreleye autopsy
  barreleye autopsy --core 1 20261124-115227
  barreleye autopsy -o json | jq '.threads[0].stack'`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("autopsy: unexpected argument %q: give one run", args[1])
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			return h.autopsy(f, append(args, runs.Latest)[0])
		},
		ValidArgsFunction: h.completeRun,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.IntVar(&f.core, "core", -1, "only this core, -1 for all")
	flags.Uint64Var(&f.life, "life", 0, "only this life of it, 1 for its first; 0 for the last that ended badly")
	outputFlag(cmd, &f.output)
	flags.Lookup("output").Usage = "form of the output; json: one object a life"
	return cmd
}

func (h *Host) autopsy(f *autopsyFlags, name string) error {
	run, err := h.findRun("autopsy", name)
	if err != nil {
		return err
	}
	if f.core < -1 || run.MostCores() > 0 && f.core >= run.MostCores() {
		return usage("autopsy: --core %d: run %s has no such core: give a number from 0 to %d", f.core, run.ID, run.MostCores()-1)
	}
	lives, err := autopsy.Lives(run.Dir, f.core, f.life)
	if err != nil {
		return fmt.Errorf("autopsy: %w: make the run's folder readable", err)
	}
	if len(lives) == 0 {
		h.note("autopsy: run %s: no core ended badly that this could show: 'barreleye logs %s' shows what they wrote", run.ID, run.ID)
		return nil
	}
	for i, life := range lives {
		record, err := autopsy.Read(life)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // the run was started anew meanwhile
		case err != nil:
			return fmt.Errorf("%w: 'barreleye logs %s' shows what the core wrote", err, run.ID)
		}
		if f.output == formatJSON {
			err = writeJSON(h.Stdout, record)
		} else {
			if i > 0 {
				fmt.Fprintln(h.Stdout)
			}
			err = record.Show(h.Stdout)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
