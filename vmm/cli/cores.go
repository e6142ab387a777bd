package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"barreleye/devices/region"
	"barreleye/vmm/image"
	"barreleye/vmm/metrics"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/operator"
	"barreleye/vmm/runs"

	"github.com/spf13/cobra"
)

// coreFlags are what every command that boots cores can be told about them.
type coreFlags struct {
	opt     multikernel.Options
	memory  memory
	shared  memory
	limit   memory
	files   []string
	traced  []string
	metrics string
	noPatch bool
	isolate bool
	sandbox bool
	ps      bool
	maps    bool
	timing  bool
	config  config
	began   time.Time // when the run's folder was made: a build comes before
}

// register adds the flags to a command that boots so many cores by default.
func (f *coreFlags) register(cmd *cobra.Command, cores int) {
	f.memory, f.shared, f.limit = 64<<20, region.DefaultRAM, defaultLimit
	o, flags := &f.opt, cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.Platform, "platform", multikernel.PlatformAuto, "what cores are: kvm (virtual machines), hosted (Linux processes), or auto:\nkvm where it can be used, else hosted; a line says which")
	flags.IntVarP(&o.Cores, "cores", "c", cores, fmt.Sprintf("number of cores, 1 to %d", multikernel.MaxCores))
	flags.IntVar(&o.Room, "max-cores", 0, "cores that there may be at once, with those that are added while it runs; 0 for\nas many as --cores")
	flags.VarP(&f.memory, "memory", "m", "private memory of each core at the start, in steps of 2M")
	flags.Var(&f.limit, "max-memory", "private memory up to which each core may grow; --memory where that is more than\nthe default")
	flags.Var(&f.shared, "shared-memory", "memory that all cores can share, in steps of 2M")
	flags.StringVar(&o.Pin, "pin", "auto", "host CPUs of the cores: auto, none, or a list such as 0,1 that is repeated")
	flags.DurationVar(&o.Tick, "tick", 10*time.Millisecond, "period of a core's timer tick while it runs something; 0 for no tick (then\nGo's scheduler does not preempt)")
	flags.StringVar(&o.Idle, "idle", multikernel.IdleAuto, "what an idle core does: poll (messages arrive fastest; takes a CPU), halt (takes none;\nevery message is a wake-up), park (the same, off its CPU where it sleeps on), or auto:\npoll for a while, then halt")
	flags.StringVar(&o.Poll, "poll", "auto", "how long an idle core polls for messages before it halts (--idle auto); auto is what\na wake-up costs (60us until the core has measured it), and 0 where cores share CPUs")
	flags.StringVar(&o.Monitors, "monitors", multikernel.MonitorsAuto, "how cores' monitors agree: direct (each with every other one: the fewest steps), tree\n(over neighbours in a tree: the fewest messages for each), or auto: a tree for many cores")
	flags.IntVar(&o.HaltPoll, "halt-poll", -1, "nanoseconds for which KVM polls for a halted core; -1 for the host's setting,\nand 0 where cores share CPUs")
	flags.DurationVar(&o.Watchdog, "watchdog", multikernel.DefaultWatchdog, "CPU time after which a core is ended as stuck if it served no event meanwhile, not\neven a tick; 0 for never")
	flags.BoolVar(&o.Populate, "populate", false, "have the host back all memory before the start (for measurements)")
	flags.BoolVar(&f.isolate, "isolate", true, "give each core of the shared region only what it may see and write: what it does\nelsewhere ends that core, with a report; false: all of it may be written by all")
	flags.BoolVar(&f.sandbox, "sandbox", true, "hold processes to what they need: those that are cores to a list of system calls,\nand the command, once cores are about to run, to another one, no capabilities and\nthe run's folder (docs/explanation/isolation.md)")
	flags.StringSliceVar(&o.Debug, "debug", nil, "debug modes, in a list: pages (a page that is used after it was handed to\nanother core faults, with a line that says so; slow), interrupts (cores note\nwhere interrupts find their drivers, for tests of those)")
	flags.StringArrayVarP(&o.Env, "env", "e", nil, "`K=V` for the programs' environment, which is empty otherwise; may be repeated")
	restartFlags(cmd, o)
	flags.DurationVar(&o.Grace, "grace", 5*time.Second, "how long programs that SIGINT or SIGTERM asked to end may take")
	flags.StringArrayVar(&f.files, "file", nil, "`HOST[:GUEST]`: a file or folder that the programs see, read-only, as GUEST (an\nabsolute path; the same name in / where it is left out); may be repeated")
	flags.StringVar(&o.Dir, "dir", "", "folder for the logs (default: a new one in $XDG_STATE_HOME/barreleye/runs)")
	flags.BoolVar(&f.noPatch, "no-patch", false, "leave system calls unpatched: each takes the trap route, slower a thousandfold")
	flags.BoolVar(&o.Clone, "clone", false, "boot one core as far as the program's start, and make all cores copies of it:\nfaster, above all for cores that come back (virtual machines)")
	flags.BoolVar(&o.CoreFiles, "core-files", false, "write a core file for gdb into the run's folder of each core that a crash or a panic\nended (virtual machines)")
	flags.BoolVar(&f.ps, "ps", false, "show a table of the cores at the end")
	flags.BoolVar(&o.Stats, "stats", false, "time some of the messages, and show a table of the channels at the end")
	flags.StringVar(&o.Trace, "trace", "", "write to this `FILE` what each core did when, and each message as an arrow, in\nChrome's JSON: Perfetto shows it")
	flags.StringSliceVar(&f.traced, "trace-events", nil, "what to trace: all, or a list of driver, messages, monitor, program, vmm")
	flags.StringVar(&f.metrics, "metrics-addr", "", "serve figures of the cores to Prometheus at this `ADDRESS`, such as 127.0.0.1:9464,\nwhile they run; port 0 takes any that is free")
	flags.BoolVar(&f.timing, "timing", false, "show where the time of the start went")
	flags.BoolVar(&f.maps, "maps", false, "show the cores' memory maps at the end")
	f.config.register(cmd)
	completePlatform(cmd)
	completeFlag(cmd, "pin", cobra.CompletionWithDesc("auto", "each core the next CPU"), cobra.CompletionWithDesc("none", "leave it to the host"))
	completeFlag(cmd, "idle", cobra.CompletionWithDesc(multikernel.IdleAuto, "poll for a while, then halt"), cobra.CompletionWithDesc(multikernel.IdlePoll, "the lowest latency"),
		cobra.CompletionWithDesc(multikernel.IdleHalt, "the least CPU time"))
	completeFlag(cmd, "monitors", cobra.CompletionWithDesc(multikernel.MonitorsAuto, "a tree for many cores"), cobra.CompletionWithDesc(multikernel.MonitorsDirect, "each with every other one"),
		cobra.CompletionWithDesc(multikernel.MonitorsTree, "with neighbours in a tree"))
	completeFlag(cmd, "poll", cobra.CompletionWithDesc("auto", "what a wake-up costs, and 0 where cores share CPUs"))
	completeFlag(cmd, "debug", cobra.CompletionWithDesc(multikernel.DebugPages, "pages are mapped by their owner alone"),
		cobra.CompletionWithDesc(multikernel.DebugInterrupts, "cores note where interrupts find their drivers"),
		cobra.CompletionWithDesc(multikernel.DebugCaps, "monitors test all invariants of capabilities"))
	completeFlag(cmd, "trace-events", traceGroups()...)
	must(cmd.MarkFlagDirname("dir"))
	must(cmd.MarkFlagFilename("trace", "json"))
}

// defaultLimit is up to where private memory grows where nobody says so.
const defaultLimit = 1 << 30

// tables writes the tables that were asked for.
func (f *coreFlags) tables(w io.Writer, report *multikernel.Report) {
	if f.timing {
		report.TimingTable(w)
	}
	if f.maps {
		report.MapTable(w)
	}
	if f.ps {
		report.Table(w)
	}
	if f.opt.Stats {
		report.ChannelTable(w)
	}
}

// prepare completes and checks the options of a run of im, and makes the
// folder for its logs.
func (h *Host) prepare(f *coreFlags, im *image.Image, args []string) (err error) {
	o := &f.opt
	for _, e := range o.Env {
		if name, _, ok := strings.Cut(e, "="); !ok || name == "" {
			return usage("run: --env %s: no NAME=VALUE: give it one, such as LEVEL=debug", e)
		}
	}
	if o.Files, err = filesOf(f.files); err != nil {
		return err
	}
	if o.TraceKinds, err = traceKinds("run: --trace-events", f.traced); err != nil {
		return err
	}
	o.Stdin, o.Shared, o.Confined = h.Stdin, !f.isolate, f.sandbox
	h.warnUnpatched(im, f.noPatch)
	if o.MaxMemory = uint64(f.limit); f.limit == defaultLimit {
		o.MaxMemory = max(defaultLimit, uint64(f.memory))
	}
	o.Image, o.Args, o.Memory, o.Started, o.Device = im, args, uint64(f.memory), h.Started, h.Device
	if o.SharedRAM = uint64(f.shared); o.SharedRAM == 0 {
		return usage("run: no shared memory: use --shared-memory 2M or more")
	}
	if err := o.Check(); err != nil {
		return &failure{CodeUsage, err}
	}
	if f.metrics != "" {
		if o.Metrics, err = metrics.Listen(f.metrics); err != nil {
			return &failure{CodeUsage, err}
		}
		h.note("metrics at %s", o.Metrics.URL())
	}
	choice, err := multikernel.Choose(o.Platform, o.Device)
	if err != nil {
		return err
	}
	o.Platform = choice.Platform
	h.note("platform %s", choice)
	f.began = time.Now()
	o.Dir, err = h.runDir(o.Dir, f.began)
	return err
}

// boot runs the cores to their end, writes down when it began and how it ended,
// and obeys signals meanwhile.
func (h *Host) boot(f *coreFlags) (*multikernel.Report, error) {
	o := &f.opt
	note, err := runs.Begin(o.Dir, runs.Run{Image: o.Image.Name, Args: o.Args, Cores: o.Cores, Room: max(o.Cores, o.Room), Platform: o.Platform, Started: f.began})
	if errors.Is(err, runs.ErrLives) {
		return &multikernel.Report{}, &failure{CodeUsage, err}
	}
	if err != nil {
		return &multikernel.Report{}, &failure{CodeHost, err}
	}
	socket, err := operator.Listen(o.Dir)
	if err != nil {
		h.complain(err) // it can be run, and ended by a signal
	}
	s := handleSignals(socket.Commands(), func(r *multikernel.Report) {
		r.Table(h.Stderr)
		if o.Stats {
			r.ChannelTable(h.Stderr)
		}
	})
	h.interrupt.pause()
	defer func() {
		h.interrupt.resume()
		s.stop()
	}()
	o.Kick, o.Commands = s.kick, socket.Commands()
	what := "starting"
	if o.Populate {
		what = "backing the memory of"
	}
	progress := h.progress("%s %d cores", what, o.Cores)
	o.Reached = func(phase string) {
		if phase == multikernel.PhaseBuilt {
			progress.end()
		}
	}
	report, err := multikernel.Run(o)
	socket.Over()
	progress.end()
	code := report.ExitCode
	if err != nil {
		code = codeOf(err)
	}
	err = errors.Join(err, note.End(code, err))
	socket.Close(code)
	return report, err
}

// warnUnpatched names system calls that the patcher left to the trap route.
func (h *Host) warnUnpatched(im *image.Image, wanted bool) {
	if sites := im.Unpatched(); len(sites) > 0 && !wanted {
		h.note("image %s: %d of %d system calls take the slow trap route, the first in %s at %#x (%s): report it",
			im.Name, len(sites), len(im.Sites), sites[0].Func, sites[0].PC, sites[0].Reason)
	}
}
