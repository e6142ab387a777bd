package cli

import (
	"errors"
	"fmt"
	"strings"

	"barreleye/vmm/control"
	"barreleye/vmm/runs"

	"github.com/spf13/cobra"
)

// connect connects to the run that a command was asked for; "" is the one that lives.
func (h *Host) connect(command, name string) (*control.Client, *runs.Run, error) {
	run, err := h.findLiving(command, name)
	if err != nil {
		return nil, nil, err
	}
	client, err := control.Dial(run.Dir)
	switch {
	case errors.Is(err, control.ErrNoSocket):
		return nil, nil, &failure{CodeRefused, fmt.Errorf("%s: run %s: %w: it is ending, or was started by an older barreleye: signals reach it (kill -INT %d)", command, run.ID, err, run.PID)}
	case errors.Is(err, control.ErrForeign):
		return nil, nil, &failure{CodeForbidden, fmt.Errorf("%s: run %s: %w: ask as that one", command, run.ID, err)}
	case errors.Is(err, control.ErrVersion):
		return nil, nil, &failure{CodeRefused, fmt.Errorf("%s: run %s: %w: use the barreleye that started it", command, run.ID, err)}
	case errors.Is(err, control.ErrSilent):
		return nil, nil, &failure{CodeRefused, fmt.Errorf("%s: run %s: %w: see whether its process, %d, is stopped", command, run.ID, err, run.PID)}
	case err != nil:
		return nil, nil, &failure{CodeRefused, fmt.Errorf("%s: run %s: %w: 'barreleye runs' tells how it is", command, run.ID, err)}
	}
	return client, run, nil
}

// findLiving finds a run that lives; "" is the only one.
func (h *Host) findLiving(command, name string) (*runs.Run, error) {
	if name != "" {
		run, err := h.findRun(command, name)
		if err == nil && run.State() != runs.Running {
			how := "died"
			if run.ExitCode != nil {
				how = fmt.Sprintf("ended with code %d", *run.ExitCode)
			}
			err = &failure{CodeRefused, fmt.Errorf("%s: run %s: it has %s: 'barreleye logs %s' shows its lines", command, run.ID, how, run.ID)}
		}
		return run, err
	}
	root, err := h.runsDir()
	if err != nil {
		return nil, err
	}
	list, err := runs.Living(root)
	switch {
	case err != nil:
		return nil, err
	case len(list) == 0:
		return nil, usage("%s: no run lives: start one ('barreleye run'), or name the folder of one that has --dir", command)
	case len(list) > 1:
		var ids []string
		for _, r := range list[:min(len(list), 4)] {
			ids = append(ids, r.ID)
		}
		return nil, usage("%s: %d runs live: name one: %s ('barreleye runs' lists them)", command, len(list), strings.Join(ids, ", "))
	}
	return list[0], nil
}

// needs returns what checks the arguments of a command that wants those that what names,
// and after them perhaps a run.
func needs(what ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		path := strings.TrimPrefix(cmd.CommandPath(), "barreleye ")
		if len(args) < len(what) {
			return usage("%s: no %s given: '%s --help' shows how to use it", path, what[len(args)], cmd.CommandPath())
		}
		if len(args) > len(what)+1 {
			return usage("%s: unexpected argument %q: give one run", path, args[len(what)+1])
		}
		return nil
	}
}

// runAfter returns the run that follows n other arguments, "" where none does.
func runAfter(args []string, n int) string {
	if len(args) > n {
		return args[n]
	}
	return ""
}

// completeLivingAfter offers the runs that live, after n other arguments.
func (h *Host) completeLivingAfter(n int) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
		if len(args) == n {
			if root, err := h.runsDir(); err == nil {
				list, _ := runs.Living(root)
				for _, r := range list {
					names = append(names, cobra.CompletionWithDesc(r.ID, r.Image))
				}
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}
