package cli

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/observe"

	"github.com/spf13/cobra"
)

// runFlags are what `barreleye run` can be told.
type runFlags struct {
	opt     multikernel.Options
	memory  memory
	noPatch bool
	ps      bool
	maps    bool
	timing  bool
	output  format
}

func (h *Host) runCommand() *cobra.Command {
	f := &runFlags{memory: 64 << 20}
	cmd := &cobra.Command{
		Use:   "run [flags] IMAGE [-- ARGS...]",
		Short: "Boot an image on a number of cores and wait until all have ended",
		Long: `Run boots IMAGE on every core and waits until each has ended. IMAGE is the name of
a built-in image, an ELF file, or a folder with a Go program, which is built first;
'./name' is a file or folder even where there is a built-in image of that name.
ARGS are the program's arguments, the same on every core.

Lines that the programs print appear prefixed by their core, and without the prefix
in the run's folder, a file per core. SIGINT and SIGTERM stop all cores; a second one
ends the command at once. SIGUSR1 shows the table of --ps while the cores run.

The exit code is 0 when every main returned, else the first failing core's own; 64 to
72 are the command's (docs/errors.md).`,
		Example: `  barreleye run hello
  barreleye run --cores 4 --memory 256M --ps ./myprogram -- -n 3
  barreleye run --cores 2 --pin 2,3 --populate --timing hello
  barreleye run -o json hello | jq '.cores[].boot_ms'`,
		Args: func(cmd *cobra.Command, args []string) error { return checkRunArgs(args, cmd.ArgsLenAtDash()) },
		RunE: func(_ *cobra.Command, args []string) error { return h.run(f, args[0], args[1:]) },
	}
	o, flags := &f.opt, cmd.Flags()
	flags.SortFlags = false
	flags.IntVarP(&o.Cores, "cores", "c", 2, fmt.Sprintf("number of cores, 1 to %d", multikernel.MaxCores))
	flags.VarP(&f.memory, "memory", "m", "private memory of each core, in steps of 2M")
	flags.StringVar(&o.Pin, "pin", "auto", "host CPUs of the cores: auto, none, or a list such as 0,1 that is repeated")
	flags.DurationVar(&o.Tick, "tick", 10*time.Millisecond, "period of a core's timer tick while it runs something; 0 for no tick (then\nGo's scheduler does not preempt)")
	flags.StringVar(&o.Poll, "poll", "auto", "how long an idle core polls for messages before it halts; auto is 60us, and\n0 where cores share CPUs")
	flags.IntVar(&o.HaltPoll, "halt-poll", -1, "nanoseconds for which KVM polls for a halted core; -1 for the host's setting,\nand 0 where cores share CPUs")
	flags.BoolVar(&o.Populate, "populate", false, "have the host back all memory before the start (for measurements)")
	flags.StringArrayVarP(&o.Env, "env", "e", nil, "`K=V` for the programs' environment, which is empty otherwise; may be repeated")
	flags.StringVar(&o.Dir, "dir", "", "folder for the logs (default: a new one in $XDG_STATE_HOME/barreleye/runs)")
	flags.BoolVar(&f.noPatch, "no-patch", false, "leave system calls unpatched: each takes the trap route, slower a thousandfold")
	flags.BoolVar(&f.ps, "ps", false, "show a table of the cores at the end")
	flags.BoolVar(&f.timing, "timing", false, "show where the time of the start went")
	flags.BoolVar(&f.maps, "maps", false, "show the cores' memory maps at the end")
	outputFlag(cmd, &f.output)
	flags.Lookup("output").Usage = "form of the report; with json stdout carries the report alone, with everything\nof --ps, --timing and --maps, and the programs' lines go to stderr"
	return cmd
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
	o := &f.opt
	for _, e := range o.Env {
		if name, _, ok := strings.Cut(e, "="); !ok || name == "" {
			return usage("run: --env %s: want NAME=VALUE", e)
		}
	}
	var err error
	if o.Image, err = h.loadImage(arg, image.LoadOptions{NoPatch: f.noPatch}); err != nil {
		return err
	}
	h.warnUnpatched(o.Image, f.noPatch)
	o.Args, o.Memory, o.Started, o.Device = args, uint64(f.memory), h.Started, h.Device
	if err := o.Check(); err != nil {
		return &failure{CodeUsage, err}
	}
	if o.Dir, err = h.runDir(o.Dir); err != nil {
		return err
	}
	h.note("logs in %s", o.Dir)
	o.Console = h.Stdout
	if f.output == formatJSON {
		o.Console = h.Stderr
	}
	s := handleSignals(func(r *multikernel.Report) { r.Table(h.Stderr) })
	o.Kick, o.Ask = s.kick, s.ask
	report, err := multikernel.Run(o)
	s.stop()
	if len(report.Cores) > 0 {
		if err := h.show(f, report); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	h.summary(report)
	return exitWith(report.ExitCode)
}

// warnUnpatched names system calls that the patcher left to the trap route.
func (h *Host) warnUnpatched(im *image.Image, wanted bool) {
	if sites := im.Unpatched(); len(sites) > 0 && !wanted {
		h.note("image %s: %d of %d system calls take the slow trap route, the first in %s at %#x (%s): report it",
			im.Name, len(sites), len(im.Sites), sites[0].Func, sites[0].PC, sites[0].Reason)
	}
}

// show writes what of the report was asked for.
func (h *Host) show(f *runFlags, report *multikernel.Report) error {
	if f.output == formatJSON {
		return writeJSON(h.Stdout, report)
	}
	if f.timing {
		report.TimingTable(h.Stdout)
	}
	if f.maps {
		report.MapTable(h.Stdout)
	}
	if f.ps {
		report.Table(h.Stdout)
	}
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
		h.note("%s: the lines about it are above and in %s", strings.Join(bad, ", "), filepath.Join(report.Dir, observe.ConsoleFile))
	}
}
