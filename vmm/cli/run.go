package cli

import (
	"fmt"
	"strings"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/sandbox"

	"github.com/spf13/cobra"
)

// runFlags are what `barreleye run` can be told.
type runFlags struct {
	coreFlags
	output format
}

func (h *Host) runCommand() *cobra.Command {
	f := &runFlags{}
	cmd := &cobra.Command{
		Use:   "run [flags] IMAGE [-- ARGS...]",
		Short: "Boot an image on a number of cores and wait until all have ended",
		Long: `Run boots IMAGE on every core and waits until each has ended. IMAGE is the name of
a built-in image, an ELF file, or a folder with a Go program, which is built first;
'./name' is a file or folder even where there is a built-in image of that name.
ARGS are the program's arguments, the same on every core.

Lines that the programs print appear prefixed by their core, and without the prefix
in the run's folder, a file per core. The first SIGINT or SIGTERM goes to the programs,
which may end in their own time (--grace); a second one stops the cores, a third ends
the command at once. SIGUSR1 shows the table of --ps, and that of --stats if
it was asked for, while the cores run.

The exit code is 0 when every main returned, else that of the lowest-numbered core that
did not end with 0; 64 to 73 are the command's (docs/reference/errors.md).`,
		Example: `  barreleye run hello
  barreleye run --cores 4 --memory 256M --ps ./myprogram -- -n 3
  barreleye run --cores 2 --pin 0,1 --populate --timing hello
  barreleye run --config four.yaml hello
  barreleye run --cores 4 --restart on-failure,0=never --intensity 5/10s kv
  barreleye run -o json hello | jq '.cores[].boot_ms'`,
		Args: func(cmd *cobra.Command, args []string) error { return checkRunArgs(args, cmd.ArgsLenAtDash()) },
		RunE: func(_ *cobra.Command, args []string) error { return h.run(f, args[0], args[1:]) },

		ValidArgsFunction: completeImage,
	}
	f.registerAll(cmd)
	return cmd
}

// registerAll adds all flags of run to a command.
func (f *runFlags) registerAll(cmd *cobra.Command) {
	f.register(cmd, 2)
	outputFlag(cmd, &f.output)
	cmd.Flags().Lookup("output").Usage = "form of the report; with json stdout carries the report alone, with everything\nof --ps, --timing, --maps and --stats, and the programs' lines go to stderr"
}

// checkRunArgs wants one IMAGE, and the program's arguments after a dash.
func checkRunArgs(args []string, dash int) error {
	switch {
	case len(args) == 0 || dash == 0:
		return usage("run: no image given: name one of the built-in ones (%s), an ELF file or a folder with a Go program", builtinNames())
	case len(args) > 1 && dash != 1:
		return usage("run: unexpected argument %q: put the program's arguments after --", args[1])
	}
	return nil
}

// run is the command itself.
func (h *Host) run(f *runFlags, arg string, args []string) error {
	im, err := h.loadImage(arg, image.LoadOptions{NoPatch: f.noPatch})
	if err != nil {
		return err
	}
	if err := h.prepare(&f.coreFlags, im, args); err != nil {
		return err
	}
	h.note("logs in %s", f.opt.Dir)
	f.opt.Console = h.Stdout
	if f.output == formatJSON {
		f.opt.Console = h.Stderr
	}
	f.opt.MayBlock = true // a stopped terminal, a pipe that nobody reads
	f.opt.View.Colour, f.opt.View.Brief = h.colours(f.opt.Console), true
	if h.Confine != nil && f.sandbox {
		f.opt.Confine = func() error {
			_, err := h.Confine(sandbox.Config{Processes: f.opt.Platform == multikernel.PlatformHosted, Folder: f.opt.Dir})
			if err != nil {
				err = &failure{CodeHost, err}
			}
			return err
		}
	}
	report, err := h.boot(&f.coreFlags)
	if len(report.Cores) > 0 {
		if err := h.show(f, report); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	h.summary(report)
	h.traced(report.Trace)
	return exitWith(report.ExitCode)
}

// show writes what of the report was asked for.
func (h *Host) show(f *runFlags, report *multikernel.Report) error {
	if f.output == formatJSON {
		return writeJSON(h.Stdout, report)
	}
	f.tables(h.Stdout, report)
	return nil
}

// summary says in one line which cores did not end well; how is in the log.
func (h *Host) summary(report *multikernel.Report) {
	var bad []string
	for _, c := range report.Cores {
		switch {
		case c.State == "crashed":
			bad = append(bad, fmt.Sprintf("core %d crashed", c.Core))
		case c.ExitCode != 0:
			bad = append(bad, fmt.Sprintf("core %d exited with code %d", c.Core, c.ExitCode))
		}
	}
	if report.ExitCode == CodeDeadlock {
		bad = []string{"deadlock: every core waited for another"}
	}
	if len(bad) > 0 {
		h.note("%s: the lines about it are above, and shown again by 'barreleye logs %s'", strings.Join(bad, ", "), report.Dir)
	}
}
