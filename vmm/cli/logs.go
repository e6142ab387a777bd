package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"barreleye/vmm/observe"
	"barreleye/vmm/runs"

	"github.com/spf13/cobra"
)

// logsFlags are what `barreleye logs` can be told.
type logsFlags struct {
	follow bool
	cores  []string
	since  string
	grep   string
	level  string
	times  bool
	output format
}

func (h *Host) logsCommand() *cobra.Command {
	f := &logsFlags{}
	cmd := &cobra.Command{
		Use:   "logs [flags] [RUN]",
		Short: "Show what the cores of a run printed, while it lives and after",
		Long: `Logs shows the lines of all cores of RUN, as 'barreleye run' does, in the order in
which they came. RUN is the ID of a run ('barreleye runs' lists them), a start of
one that no other has, 'latest', or a folder that was given to run --dir.

Levels are DEBUG, INFO, WARN and ERROR, or one between such as WARN+2. Records of
log/slog have their own; otherwise stdout counts as INFO, stderr and the CPU driver
as WARN, a panic as ERROR, and lines of the VMM as INFO, or ERROR where something
went wrong.`,
		Example: `  barreleye logs
  barreleye logs -f --core 1,2 --level warn
  barreleye logs --since 10m --grep 'timeout|refused' 20261124-115227
  barreleye logs -o json | jq 'select(.attrs.peer) | .msg'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("logs: unexpected argument %q: give one run", args[1])
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			return h.logs(f, append(args, runs.Latest)[0])
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVarP(&f.follow, "follow", "f", false, "go on with what comes, until the run has ended")
	flags.StringSliceVar(&f.cores, "core", nil, "only these cores: numbers, or vmm for the lines of the VMM itself")
	flags.StringVar(&f.since, "since", "", "only what is no older than this: a duration such as 10m, or a time such as\n2026-11-24T11:52:27Z or, in local time, '2026-11-24 11:52'")
	flags.StringVar(&f.grep, "grep", "", "only messages that match this regular expression (Go's syntax)")
	flags.StringVar(&f.level, "level", "", "only what is of this level or above")
	flags.BoolVarP(&f.times, "time", "t", false, "show the time of each line")
	outputFlag(cmd, &f.output)
	cmd.ValidArgsFunction = h.completeRun
	completeFlag(cmd, "level", "debug", "info", "warn", "error")
	flags.Lookup("output").Usage = "form of the output; json: one object a line, as docs/reference/logs.md describes it"
	return cmd
}

// filter makes the filter that the flags ask for.
func (f *logsFlags) filter(now time.Time) (filter observe.Filter, err error) {
	filter.Level = observe.EveryLevel
	for _, c := range f.cores {
		n, err := strconv.ParseUint(c, 10, 16)
		switch {
		case c == observe.VMM:
			filter.Cores = append(filter.Cores, observe.NoCore)
		case err != nil:
			return filter, usage("logs: --core %s: want numbers of cores, or vmm: '--core 0,2'", c)
		default:
			filter.Cores = append(filter.Cores, int(n))
		}
	}
	if f.since != "" {
		if filter.Since, err = parseSince(f.since, now); err != nil {
			return filter, err
		}
	}
	if f.level != "" {
		var level slog.Level
		if err := level.UnmarshalText([]byte(f.level)); err != nil {
			return filter, usage("logs: --level %s: want debug, info, warn, error, or one between such as warn+2", f.level)
		}
		filter.Level = level
	}
	if f.grep != "" {
		if filter.Grep, err = regexp.Compile(f.grep); err != nil {
			return filter, usage("logs: --grep: %v: 'go doc regexp/syntax' shows what there is", err)
		}
	}
	return filter, nil
}

// parseSince reads a duration before now, or a time.
func parseSince(s string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(s); err == nil {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usage("logs: --since %s: want a duration such as 10m, or a time such as '2026-11-24 11:52' or 2026-11-24T11:52:27Z", s)
}

// followEvery is how often a log that is followed is looked at again.
const followEvery = 50 * time.Millisecond

func (h *Host) logs(f *logsFlags, name string) error {
	filter, err := f.filter(time.Now())
	if err != nil {
		return err
	}
	run, err := h.findRun("logs", name)
	if err != nil {
		return err
	}
	for _, core := range filter.Cores {
		if most := run.MostCores(); most > 0 && core >= most { // 0: the run's folder does not say
			return usage("logs: --core %d: run %s has no such core: give numbers from 0 to %d, or vmm", core, run.ID, most-1)
		}
	}
	file, err := h.openLog(run, f.follow)
	if file == nil || err != nil {
		return err
	}
	defer file.Close()
	r, view := observe.NewReader(file), observe.View{Colour: h.colours(h.Stdout), Time: f.times}
	form := func(b []byte, e *observe.Entry, line []byte) []byte {
		switch {
		case !filter.Wants(e):
			return b
		case f.output == formatJSON:
			return append(b, line...)
		}
		return view.Append(b, e)
	}
	for {
		// looked at before the log is read to its end: what the run wrote last is there then
		over := !f.follow || !h.lives(run)
		if err := r.Copy(h.Stdout, form); err != nil {
			return fmt.Errorf("logs: %w: 'barreleye runs' tells where the log is", err)
		}
		if over {
			return nil
		}
		time.Sleep(followEvery)
	}
}

// lives reports whether the run goes on.
func (h *Host) lives(run *runs.Run) bool {
	now, err := runs.Open(run.Dir)
	return err == nil && now.PID == run.PID && now.PIDStart == run.PIDStart && now.State() == runs.Running
}

// openLog opens the run's log. That of a run that is about to start is waited
// for if it is to be followed; one that failed before has none, and no lines.
func (h *Host) openLog(run *runs.Run, follow bool) (*os.File, error) {
	for {
		over := !follow || !h.lives(run)
		file, err := os.Open(filepath.Join(run.Dir, observe.LogFile))
		switch {
		case err == nil:
			return file, nil
		case !errors.Is(err, os.ErrNotExist):
			return nil, fmt.Errorf("logs: %w: make the run's folder readable", err)
		case over:
			return nil, nil
		}
		time.Sleep(followEvery)
	}
}

// findRun finds the run that a command was asked for.
func (h *Host) findRun(command, name string) (*runs.Run, error) {
	run, err := runs.Find(h.runsDir, name)
	switch {
	case errors.Is(err, runs.ErrNone), errors.Is(err, runs.ErrAmbiguous):
		return nil, usage("%s: run %s: %s: 'barreleye runs' lists them", command, name, strings.ReplaceAll(err.Error(), "\n", " "))
	case err != nil:
		return nil, fmt.Errorf("%s: %w: give a run whose folder can be read", command, err)
	}
	return run, nil
}
