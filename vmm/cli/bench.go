package cli

import (
	"fmt"
	"strings"

	"barreleye/vmm/bench"
	"barreleye/vmm/bench/peers"
	"barreleye/vmm/multikernel"

	"github.com/spf13/cobra"
)

// benchmarks are the subcommands of bench.
var benchmarks = []struct {
	name, short, long string
	run               func(bench.Options) (*bench.Report, error)
}{
	{"urpc", "Messages between two cores, and wake-ups of a sleeping core",
		`Urpc measures between two cores: a call answered in the request's own line, a
round trip over two rings, a stream, each in turns with its limit (the same memory
traffic in bare assembly) between the same cores and between two host threads; and
the wake-up of a core that slept 50 us, 1 ms and 10 ms, beside the least that
can do it: a minimal guest, or two threads of Linux where cores are processes.`, bench.URPC},
	{"start", "From the start of the command to main in four cores", "Start boots four cores that say hello, again and again.", bench.Start},
	{"compute", "Compute-bound work in a core and in a Linux process", "Compute runs the same Go code in a core and in a Linux process with GOMAXPROCS=1, in turns.", bench.Compute},
	{"cpudriver", "The ways into a core's CPU driver and back, and what interrupts cost",
		`Cpudriver measures system calls (patched and trapped), exceptions, signals, hand-overs
between threads, memory mapped and touched, in turns with the same code in a Linux
process on the same CPU; what a tick and a doorbell take of a program that computes;
and the wake-up of a core that slept 50 us, 1 ms and 10 ms.`, bench.CPUDriver},
	{"power", "CPU time and wake-up of cores in each power state",
		`Power measures what a core that has nothing to do costs its host in each power state,
per core, and how long it takes to be of use again; and all 64 cores that there can be,
asleep together.`, bench.Power},
	{"monitor", "What monitors agree on costs: one and two phases, bind, retype, revoke",
		`Monitor measures what the program of core 0 waits for that changes or looks up what all
cores hold alike, with 1, 2, 4 and 8 cores: a look-up in the core's own replica, an
operation of one phase (Publish) and of two (Lock, Unlock), alone and 16 at a time, a
channel bound by name, and memory that is cut (retype) or taken back (revoke), which this
core alone holds or core 1 too; with 4 and 8 cores over a tree as well. The limit is what the messages cost that an operation
takes, sent by programs in the same run: to all other cores and back once, or twice for
two phases; theirs, between two cores, is so many line transfers in bare assembly.`, bench.Monitor},
	{"crash", "From the end of a core to its peers' error",
		`Crash has cores end, by their own exit and otherwise, and measures how long it takes
until a peer that waits for a message gets the error that there is nobody any more,
polling for it or halted.`, bench.Crash},
	{"log", "What a line of the log costs the core that prints it", "Log prints lines and records of log/slog in a core, and in a Linux process that writes to a pipe, in turns.", bench.Log},
	{"kv", "A key-value store with a shard per core, and one process with a lock",
		`Kv runs the image kv on 2 and 4 cores (and on as many as there are CPUs, up to 16),
half of them shards and half clients, with 16 and with 1 requests under way per client
and shard; and in turns with it one Go process with GOMAXPROCS of the same number, bound
to the same CPUs, whose goroutines call one map under a sync.Mutex or sync.RWMutex, or
64 maps under a Mutex each. Clients, keys and map are the same code; all answers are
checked. A call of a map is no message: it crosses to another core only for the lock.`, bench.KV},
}

func (h *Host) benchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure, each figure beside its limit in the same run",
		Long: `Bench measures what cores cost: messages, wake-ups, starts, computing, idling. Each
figure stands beside its limit, measured in turns with it in the same run: bare
assembly between the same cores, a minimal guest, a Linux process. RATIO is how
many times the limit it takes, by the means of the middle halves of both's
samples. Name what to measure.`,
		Example: "  barreleye bench urpc\n  barreleye bench urpc -o json\n  barreleye bench start --quick",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("bench: unknown benchmark %q: %s'barreleye bench --help' lists them", args[0], didYouMean(args[0], commandNames(cmd)))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, b := range benchmarks {
		var o bench.Options
		var output benchOutput
		var platform string
		sub := &cobra.Command{
			Use: b.name, Short: b.short, Long: b.long, Args: noArguments,
			Example: fmt.Sprintf("  barreleye bench %[1]s\n  barreleye bench %[1]s --quick -o json", b.name),
			RunE: func(*cobra.Command, []string) error {
				if err := o.CheckOnly(); err != nil {
					return &failure{CodeUsage, err}
				}
				if err := multikernel.CheckPlatform(platform); err != nil {
					return &failure{CodeUsage, err}
				}
				var err error
				if o.Platform, err = multikernel.Choose(platform, h.Device); err != nil {
					return err
				}
				if err := output.open(); err != nil {
					return err
				}
				defer output.abandon()
				watch := o.Observe(fmt.Sprint(readVersion()))
				if text := watch.Noise().Warning(); text != "" {
					h.note("bench: %s: figures may be worse than they are alone", text)
				}
				progress := h.progress("measuring %s", b.name)
				o.Step = func(what string) { progress.say("measuring %s: %s", b.name, what) }
				report, err := b.run(o)
				progress.end()
				if err != nil {
					return err
				}
				report.Environment = watch.End()
				return output.write(h.Stdout, report, b.name)
			},
		}
		sub.Flags().StringVar(&platform, "platform", multikernel.PlatformAuto, "what cores are: kvm, hosted, or auto")
		sub.Flags().BoolVar(&o.Quick, "quick", false, "fewer rounds: shows that it works, figures are rough")
		if b.name == "urpc" {
			sub.Flags().StringSliceVar(&o.Only, "only", nil, "what to measure: "+strings.Join(bench.URPCParts(), ", "))
		}
		output.flags(sub)
		cmd.AddCommand(sub)
	}
	// what "bench urpc", "cpudriver", "compute", "log" and "kv" run as processes of their own
	cmd.AddCommand(&cobra.Command{
		Use: "kernel ROUNDS", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return bench.Kernel(h.Stdout, args[0]) },
	}, &cobra.Command{
		Use: "paths ROUNDS", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return bench.Paths(h.Stdout, args[0]) },
	}, &cobra.Command{
		Use: "lines ROUNDS", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return bench.Lines(h.Stdout, h.Stderr, args[0]) },
	}, &cobra.Command{
		Use: "peers SET", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return peers.Run(h.Stdout, args[0]) },
	}, &cobra.Command{
		Use: "kvprocess -- FLAGS", Hidden: true,
		RunE: func(_ *cobra.Command, args []string) error { return bench.KVProcess(h.Stdout, args) },
	})
	return cmd
}
