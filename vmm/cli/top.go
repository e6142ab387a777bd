package cli

import (
	"context"
	"errors"
	"os"
	"time"

	"barreleye/vmm/control"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/operator"
	"barreleye/vmm/runs"
	"barreleye/vmm/top"

	"github.com/spf13/cobra"
)

// minInterval keeps cores from doing nothing but to tell how they are.
const minInterval = 100 * time.Millisecond

func (h *Host) topCommand() *cobra.Command {
	interval := time.Second
	cmd := &cobra.Command{
		Use:   "top [flags] [RUN]",
		Short: "Watch what the cores of a run do",
		Long: `Top shows the cores of a run that lives in a table that changes as they go: what each
used of a CPU since the last look, for how long it waited for one (steal), messages per
second, memory, garbage collections, ticks and halts. It needs a terminal; 'barreleye ps'
shows figures once, anywhere. RUN is as for 'barreleye ps'.

Keys: q ends it, < and > choose the column to sort by, n, c, s, m and g sort by core, CPU,
messages sent, memory and collections, r reverses, space pauses, up and down scroll.`,
		Example: `  barreleye top
  barreleye top --interval 250ms 20261124-115227`,
		Args:              needs(),
		RunE:              func(_ *cobra.Command, args []string) error { return h.top(interval, runAfter(args, 0)) },
		ValidArgsFunction: h.completeLivingAfter(0),
	}
	cmd.Flags().DurationVar(&interval, "interval", interval, "how often to look, 100ms or more")
	return cmd
}

func (h *Host) top(interval time.Duration, name string) error {
	if interval < minInterval {
		return usage("top: --interval %v: give %v or more", interval, minInterval)
	}
	screen, ok := h.terminal(h.Stdout)
	if keyboard, ok2 := h.Stdin.(*os.File); !ok || !ok2 || !isTerminal(keyboard) {
		return usage("top: stdin or stdout is no terminal: 'barreleye ps' shows the cores once, and with -o json for programs")
	}
	client, run, err := h.connect("top", name)
	if err != nil {
		return err
	}
	defer client.Close()
	err = top.Show(context.Background(), top.Options{
		Run: run.ID, Image: run.Image, Interval: interval, In: h.Stdin, Out: screen,
		Look: func() (*multikernel.Report, error) {
			var r multikernel.Report
			return &r, client.Do(operator.Ps, nil, &r)
		},
	})
	var hungUp *control.Error
	if errors.As(err, &hungUp) && hungUp.Kind == control.KindEnded {
		if now, e := runs.Open(run.Dir); e == nil && now.ExitCode != nil {
			h.note("run %s has ended with code %d", run.ID, *now.ExitCode)
			return nil
		}
	}
	return err
}
