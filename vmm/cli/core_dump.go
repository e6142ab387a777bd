package cli

import (
	"fmt"
	"path/filepath"

	"barreleye/vmm/operator"

	"github.com/spf13/cobra"
)

func (h *Host) coreDumpCommand() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "dump [flags] CORE [RUN]",
		Short: "Write a core file of a core that lives",
		Long: `Dump writes an ELF core file of a core into the run's folder, for gdb or delve, and shows
its path. The core stands still meanwhile, and then goes on.`,
		Example: `  barreleye core dump 2
  barreleye core dump -o json 2 | jq -r .file`,
		Args: needs("core"),
		RunE: func(_ *cobra.Command, args []string) error {
			core, err := coreNumber("core dump", args[0])
			if err != nil {
				return err
			}
			return h.dumpCore(core, runAfter(args, 1), output)
		},
		ValidArgsFunction: h.completeLivingAfter(1),
	}
	outputFlag(cmd, &output)
	return cmd
}

func (h *Host) dumpCore(core int, name string, output format) error {
	client, run, err := h.connect("core dump", name)
	if err != nil {
		return err
	}
	defer client.Close()
	var answer operator.Dumped
	if err := client.Do(operator.Dump, operator.DumpArgs{Core: core}, &answer); err != nil {
		return err
	}
	answer.File = filepath.Join(run.Dir, answer.File)
	if output == formatJSON {
		return writeJSON(h.Stdout, answer)
	}
	_, err = fmt.Fprintf(h.Stdout, "core %d: %s (life %d)\n", answer.Core, answer.File, answer.Life)
	return err
}
