package cli

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"barreleye/vmm/control"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/operator"

	"github.com/spf13/cobra"
)

func (h *Host) coreCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "core",
		Short: "Add, stop, park, resume, restart, update, kill or dump a core of a run",
		Long: `Core asks a run that lives for something about one of its cores, while the others go on:
its peers are told when a life of a core ends, and when the next begins. RUN is as for
'barreleye ps'. The command returns once what it asked for is so: a core that begins a
life has reached main.`,
		Example: `  barreleye core add
  barreleye core restart 2
  barreleye core update 2 ./myprogram
  barreleye core stop 2 20261124-115227`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("core: unknown command %q: %s'barreleye core --help' lists the commands", args[0], didYouMean(args[0], commandNames(cmd)))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(h.coreAddCommand(), h.coreStopCommand(), h.coreRestartCommand(), h.coreUpdateCommand(),
		h.coreParkCommand(), h.coreResumeCommand(), h.coreKillCommand(), h.coreDumpCommand())
	return cmd
}

// endFlags tell how programs are to end.
type endFlags struct {
	now   bool
	grace time.Duration
}

func (f *endFlags) register(cmd *cobra.Command) {
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolVar(&f.now, "now", false, "end it at once: the program is not told")
	cmd.Flags().DurationVar(&f.grace, "grace", 0, "how long the program may take; 0 for what run --grace said")
}

func (f *endFlags) ending(command string) (operator.Ending, error) {
	if f.grace < 0 {
		return operator.Ending{}, usage("%s: --grace %v: give a duration such as 5s", command, f.grace)
	}
	ms := f.grace.Milliseconds()
	if f.grace > 0 {
		ms = max(1, ms)
	}
	return operator.Ending{Now: f.now, GraceMS: ms}, nil
}

func (h *Host) coreStopCommand() *cobra.Command {
	var f endFlags
	cmd := h.ofCore("stop", "End a core's life for good", `Stop ends a core's life. Its program is told (SIGTERM), and given time for what it has
under way; messages that it sent are received. 'barreleye core restart' has it begin
anew.`, func(core int) (any, error) {
		ending, err := f.ending("core stop")
		return operator.EndArgs{Core: core, Ending: ending}, err
	})
	cmd.Example = `  barreleye core stop 2
  barreleye core stop --now 2`
	f.register(cmd)
	return cmd
}

func (h *Host) coreRestartCommand() *cobra.Command {
	var f endFlags
	cmd := h.ofCore("restart", "End a core's life and begin its next one", `Restart ends a core's life as 'barreleye core stop' does, and begins its next one. A core
that does not live begins one too.`, func(core int) (any, error) {
		ending, err := f.ending("core restart")
		return operator.EndArgs{Core: core, Ending: ending}, err
	})
	cmd.Example = `  barreleye core restart 2
  barreleye core restart --grace 30s 2`
	f.register(cmd)
	return cmd
}

func (h *Host) coreKillCommand() *cobra.Command {
	cmd := h.ofCore("kill", "End a core's life as a crash does", `Kill ends a core's life at once, and has it count as a crash: the core comes back if
run --restart says so, and its exit code is 70.`, func(core int) (any, error) { return operator.EndArgs{Core: core}, nil })
	cmd.Example = "  barreleye core kill 2"
	return cmd
}

func (h *Host) coreParkCommand() *cobra.Command {
	cmd := h.ofCore("park", "Take a core off its CPU, and keep its memory", `Park takes a core off its CPU. It keeps its memory, and goes on from there when it is
resumed; messages for it wait meanwhile.`, func(core int) (any, error) { return operator.PauseArgs{Core: core}, nil })
	cmd.Example = "  barreleye core park 2"
	return cmd
}

func (h *Host) coreResumeCommand() *cobra.Command {
	cmd := h.ofCore("resume", "Let a parked core go on", "Resume lets a core go on that 'barreleye core park' took off its CPU.",
		func(core int) (any, error) { return operator.PauseArgs{Core: core}, nil })
	cmd.Example = "  barreleye core resume 2"
	return cmd
}

// ofCore makes a command that asks for something about a core: the request of its name,
// with the arguments that args makes.
func (h *Host) ofCore(name, short, long string, args func(core int) (any, error)) *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   name + " [flags] CORE [RUN]",
		Short: short,
		Long:  long,
		Args:  needs("core"),
		RunE: func(_ *cobra.Command, given []string) error {
			core, err := coreNumber("core "+name, given[0])
			if err != nil {
				return err
			}
			what, err := args(core)
			if err != nil {
				return err
			}
			return h.askAboutCore(name, what, runAfter(given, 1), output)
		},
		ValidArgsFunction: h.completeLivingAfter(1),
	}
	outputFlag(cmd, &output)
	return cmd
}

func coreNumber(command, arg string) (int, error) {
	n, err := strconv.Atoi(arg)
	if err != nil || n < 0 || n >= multikernel.MaxCores {
		return 0, usage("%s: no core %q: give a core's number, 0 to %d", command, arg, multikernel.MaxCores-1)
	}
	return n, nil
}

// done says what was done by a request.
var done = map[string]string{
	operator.Add: "added", operator.Stop: "stopped", operator.Restart: "restarted", operator.Update: "updated",
	operator.Kill: "killed", operator.Park: "parked", operator.Resume: "resumed",
}

// askAboutCore asks a run, and shows its answer.
func (h *Host) askAboutCore(name string, args any, run string, output format) error {
	client, _, err := h.connect("core "+name, run)
	if err != nil {
		return err
	}
	defer client.Close()
	return h.showCore(client, name, args, output)
}

func (h *Host) showCore(client *control.Client, name string, args any, output format, files ...*os.File) error {
	var answer operator.Core
	if err := client.Do(name, args, &answer, files...); err != nil {
		return err
	}
	if output == formatJSON {
		return writeJSON(h.Stdout, answer)
	}
	_, err := fmt.Fprintf(h.Stdout, "core %d: %s (life %d)\n", answer.Core, done[name], answer.Life)
	return err
}
