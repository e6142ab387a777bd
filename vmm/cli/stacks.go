package cli

import (
	"fmt"

	"barreleye/vmm/control"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/operator"
	"barreleye/vmm/runs"

	"github.com/spf13/cobra"
)

// allCores is --core where nobody gave one.
const allCores = -1

func (h *Host) stacksCommand() *cobra.Command {
	var (
		core   int
		output format
	)
	cmd := &cobra.Command{
		Use:   "stacks [flags] [RUN]",
		Short: "Show what the goroutines of a core that lives do",
		Long: `Stacks shows the goroutines of a core that lives as the Go runtime prints them: the core
stops its program for a moment, and goes on. A virtual machine that does not answer within
5 s, or is parked, is looked at from outside: the stacks of its threads. RUN is as for
'barreleye ps'. After a core's end 'barreleye autopsy' shows what it left.`,
		Example: `  barreleye stacks --core 2
  barreleye stacks 20261124-115227`,
		Args: needs(),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkAnyCore("stacks", core); err != nil {
				return err
			}
			return h.stacks(core, output, runAfter(args, 0))
		},
		ValidArgsFunction: h.completeLivingAfter(0),
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().IntVar(&core, "core", allCores, "only this core, -1 for all that live")
	outputFlag(cmd, &output)
	return cmd
}

// checkCore reports a --core that there cannot be.
func checkCore(command string, core int) error {
	if core < 0 || core >= multikernel.MaxCores {
		return usage("%s: --core %d: give a core's number, 0 to %d", command, core, multikernel.MaxCores-1)
	}
	return nil
}

// checkAnyCore is checkCore of a --core that may be left out.
func checkAnyCore(command string, core int) error {
	if core == allCores {
		return nil
	}
	return checkCore(command, core)
}

func (h *Host) stacks(core int, output format, name string) error {
	client, _, err := h.connect("stacks", name)
	if err != nil {
		return err
	}
	defer client.Close()
	cores := []int{core}
	if core == allCores {
		if cores, err = livingCores(client); err != nil {
			return err
		}
	}
	texts := []operator.Text{}
	for _, core := range cores {
		var text operator.Text
		if err := client.Do(operator.Stacks, operator.StacksArgs{Core: core}, &text); err != nil {
			return err
		}
		if output == formatJSON {
			texts = append(texts, text)
			continue
		}
		if len(cores) > 1 {
			fmt.Fprintf(h.Stdout, "core %d (life %d)\n\n", text.Core.Core, text.Life)
		}
		if _, err := fmt.Fprintf(h.Stdout, "%s\n", text.Text); err != nil {
			return err
		}
	}
	if output == formatJSON {
		return writeJSON(h.Stdout, texts)
	}
	return nil
}

// livingCores returns the cores of a run that live.
func livingCores(client *control.Client) (cores []int, err error) {
	var report multikernel.Report
	if err := client.Do(operator.Ps, nil, &report); err != nil {
		return nil, err
	}
	for _, c := range report.Cores {
		switch c.State {
		case "exited", "crashed", "stopped", "off", "starting":
		default:
			cores = append(cores, c.Core)
		}
	}
	return cores, nil
}

// coreOrFirst returns the core that is asked for, or the first that lives where none is.
func coreOrFirst(command string, core int, client *control.Client, run *runs.Run) (int, error) {
	if core != allCores {
		return core, nil
	}
	living, err := livingCores(client)
	if err != nil {
		return 0, err
	}
	if len(living) == 0 {
		return 0, &failure{CodeRefused, fmt.Errorf("%s: run %s: no core lives: 'barreleye ps' shows how they are", command, run.ID)}
	}
	return living[0], nil
}
