package cli

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"

	"barreleye/urpc/trace"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/operator"
	"barreleye/vmm/timeline"

	"github.com/spf13/cobra"
)

// traced are the groups of --trace-events.
var traced = []struct {
	name, shows string
	kinds       trace.Set
}{
	{"driver", "system calls, interrupts, threads, sleep", trace.DriverKinds},
	{"messages", "sends, receives, waits", trace.MessageKinds},
	{"monitor", "handshakes, channels, the collector", trace.MonitorKinds},
	{"program", "what programs note themselves", trace.UserKinds},
	{"vmm", "exits and lives", trace.VMMKinds},
}

const tracedAll = "all"

// traceGroups are the completions of --trace-events.
func traceGroups() []cobra.Completion {
	list := []cobra.Completion{cobra.CompletionWithDesc(tracedAll, "everything")}
	for _, g := range traced {
		list = append(list, cobra.CompletionWithDesc(g.name, g.shows))
	}
	return list
}

// traceKinds returns the kinds of the groups that a flag names, all of them for none.
func traceKinds(flag string, groups []string) (kinds trace.Set, err error) {
	if len(groups) == 0 {
		return trace.AllKinds, nil
	}
next:
	for _, name := range groups {
		if name == tracedAll {
			return trace.AllKinds, nil
		}
		for _, g := range traced {
			if g.name == name {
				kinds |= g.kinds
				continue next
			}
		}
		var names []string
		for _, g := range traced {
			names = append(names, g.name)
		}
		return 0, usage("%s %s: no such group: use %s, or %s", flag, name, tracedAll, strings.Join(names, ", "))
	}
	return kinds, nil
}

// traced says what a trace came to.
func (h *Host) traced(t *multikernel.TraceReport) {
	if t == nil {
		return
	}
	h.note("trace in %s: %d records, %d messages from send to receive, %d records lost: open it at https://ui.perfetto.dev", t.File, t.Records, t.Arrows, t.Lost)
}

// traceFlags are those of the command trace.
type traceFlags struct {
	seconds float64
	events  []string
	file    string
}

func (h *Host) traceCommand() *cobra.Command {
	var f traceFlags
	cmd := &cobra.Command{
		Use:   "trace [flags] [RUN]",
		Short: "Show what the cores of a run that lives do",
		Long: `Trace has the cores of a run that lives note what they do for a while, and writes a
timeline of it in Chrome's JSON, which Perfetto shows: states, threads, system calls,
interrupts, collections, each message as an arrow from core to core. The run goes on
meanwhile, and afterwards as before. Of one that was started with --trace the timeline
is that since its start. RUN is as for 'barreleye ps'.`,
		Example: `  barreleye trace
  barreleye trace --seconds 0.2 --events messages,program -O messages.json 20261124-115227`,
		Args:              needs(),
		RunE:              func(_ *cobra.Command, args []string) error { return h.trace(f, runAfter(args, 0)) },
		ValidArgsFunction: h.completeLivingAfter(0),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.Float64Var(&f.seconds, "seconds", 1, "for how long")
	flags.StringSliceVar(&f.events, "events", nil, "what to trace: all, or a list of driver, messages, monitor, program, vmm")
	flags.StringVarP(&f.file, "output", "O", "trace.json", "`FILE` to write")
	completeFlag(cmd, "events", traceGroups()...)
	must(cmd.MarkFlagFilename("output", "json"))
	return cmd
}

// trace traces a run that lives. The file is made by this process, from the records in
// the run's folder, so that it costs the run nothing.
func (h *Host) trace(f traceFlags, name string) error {
	kinds, err := traceKinds("trace: --events", f.events)
	if err != nil {
		return err
	}
	if longest := multikernel.MaxTrace.Seconds(); !(f.seconds > 0 && f.seconds <= longest) {
		return usage("trace: --seconds %g: give more than 0 and at most %g", f.seconds, longest)
	}
	client, run, err := h.connect("trace", name)
	if err != nil {
		return err
	}
	defer client.Close()
	file, err := os.Create(f.file)
	if err != nil {
		return &failure{CodeHost, fmt.Errorf("trace: %w: name a file that can be written by -O", err)}
	}
	defer file.Close()
	var answer operator.Traced
	args := operator.TraceArgs{DurationMS: int64(math.Ceil(f.seconds * 1e3)), Kinds: uint64(kinds)}
	if err := client.Do(operator.Trace, args, &answer); err != nil {
		return err
	}
	sum, err := timeline.Convert(run.Dir, file)
	if err := errors.Join(err, file.Close()); err != nil {
		return &failure{CodeHost, err}
	}
	h.traced(&multikernel.TraceReport{File: f.file, Records: sum.Records, Arrows: sum.Arrows, Lost: sum.Lost()})
	return nil
}
