package cli

import (
	"fmt"
	"math"
	"os"
	"strings"

	"barreleye/guest/monitor/requests"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/operator"

	"github.com/spf13/cobra"
)

// pprofFlags are those of the command.
type pprofFlags struct {
	core    int
	profile string
	seconds float64
	file    string
}

func (h *Host) pprofCommand() *cobra.Command {
	var f pprofFlags
	cmd := &cobra.Command{
		Use:   "pprof [flags] --core N [RUN]",
		Short: "Take a profile of a core's program that lives",
		Long: `Pprof has a core that lives take a profile of its program, as package runtime/pprof
does, and writes it to a file for 'go tool pprof'. A CPU profile takes a sample at each
tick of the core, every 10 ms while it computes. RUN is as for 'barreleye ps'.`,
		Example: `  barreleye pprof --core 2
  barreleye pprof --core 2 --profile heap -O heap.pb.gz
  go tool pprof -top heap.pb.gz`,
		Args: needs(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			return h.pprof(&f, runAfter(args, 0))
		},
		ValidArgsFunction: h.completeLivingAfter(0),
	}
	names := strings.Join(requests.Profiles(), ", ")
	cmd.Flags().SortFlags = false
	cmd.Flags().IntVar(&f.core, "core", 0, "of which core")
	cmd.Flags().StringVar(&f.profile, "profile", requests.CPU.String(), "which: "+names)
	cmd.Flags().Float64Var(&f.seconds, "seconds", multikernel.DefaultSample.Seconds(), "for how long a CPU profile is taken")
	cmd.Flags().StringVarP(&f.file, "file", "O", "", "where it goes, - for standard output (default core-N.PROFILE.pb.gz)")
	completeFlag(cmd, "profile", requests.Profiles()...)
	return cmd
}

func (f *pprofFlags) check(cmd *cobra.Command) error {
	if !cmd.Flags().Changed("core") {
		return usage("pprof: no core: give its number: --core 0")
	}
	if err := checkCore("pprof", f.core); err != nil {
		return err
	}
	if _, ok := requests.ProfileOf(f.profile); !ok {
		return usage("pprof: --profile %s: there are %s", f.profile, strings.Join(requests.Profiles(), ", "))
	}
	if !(f.seconds > 0 && f.seconds <= requests.MaxSample.Seconds()) {
		return usage("pprof: --seconds %g: give more than 0 and at most %g", f.seconds, requests.MaxSample.Seconds())
	}
	return nil
}

func (h *Host) pprof(f *pprofFlags, name string) error {
	client, _, err := h.connect("pprof", name)
	if err != nil {
		return err
	}
	defer client.Close()
	var taken operator.Taken
	err = client.Do(operator.Profile, operator.ProfileArgs{Core: f.core, Profile: f.profile, DurationMS: int64(math.Ceil(f.seconds * 1e3))}, &taken)
	if err != nil {
		return err
	}
	if f.file == "-" {
		_, err := h.Stdout.Write(taken.Profile)
		return err
	}
	file := f.file
	if file == "" {
		file = fmt.Sprintf("core-%d.%s.pb.gz", f.core, f.profile)
	}
	if err := os.WriteFile(file, taken.Profile, 0o666); err != nil {
		return fmt.Errorf("pprof: %w: name another file: -O FILE", err)
	}
	_, err = fmt.Fprintf(h.Stdout, "core %d (life %d): %s: look at it with 'go tool pprof %s'\n", taken.Core.Core, taken.Life, file, file)
	return err
}
