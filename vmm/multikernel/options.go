// Package multikernel runs all cores of one multikernel: it places them on
// host CPUs, wires their doorbells, keeps their clock, drains their logs,
// notices how each of them ends, and reports.
package multikernel

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"barreleye/devices/boot"
	"barreleye/devices/doorbell"
	"barreleye/devices/filetree"
	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/urpc/trace"
	"barreleye/vmm/image"
	"barreleye/vmm/machine"
	"barreleye/vmm/metrics"
	"barreleye/vmm/observe"
	"barreleye/vmm/supervise"

	"golang.org/x/sys/unix"
)

// Options describes a run.
type Options struct {
	Platform   string // PlatformAuto (or ""), PlatformKVM or PlatformHosted
	Image      *image.Image
	Args       []string         // argv[1:] of the program
	Env        []string         // its environment
	Files      *filetree.Plan   // what programs see as files, nil for none
	Stdin      io.Reader        // standard input of core 0, read when that reads; nil for none
	Cores      int              // that the run starts with
	Room       int              // cores that there may be at once, later ones included; 0 for Cores
	Restart    supervise.Policy // which cores begin a new life after their end; the zero Intensity is the default
	Memory     uint64           // bytes of private RAM per core at the start
	MaxMemory  uint64           // up to which it may grow; 0 for Memory
	SharedRAM  uint64           // bytes of shared memory, 0 for region.DefaultRAM
	Pin        string           // "auto", "none", or CPUs by core: "0,1,..."
	Tick       time.Duration    // period of the tick while something runs, 0 for none
	TickSpread time.Duration    // each tick comes up to this much later, at random: for stress tests
	Idle       string           // what idle cores do: IdleAuto (or ""), IdlePoll, IdleHalt or IdlePark
	Poll       string           // how long they poll before they halt where that is IdleAuto: "auto" or a duration
	Monitors   string           // over which channels monitors speak: MonitorsAuto (or ""), MonitorsDirect or MonitorsTree
	HaltPoll   int              // ns that KVM polls for halted cores, -1 for the host's setting
	Watchdog   time.Duration    // CPU time after which a core without progress is ended as stuck, 0 for never
	Populate   bool             // back all memory before the start
	Clone      bool             // cores are copies of one that was booted (virtual machines)
	CoreFiles  bool             // write a core file of each life that a crash or a panic ended
	Shared     bool             // every core may do anything with the whole shared region
	Stats      bool             // sample the latencies of channels, and report each channel's traffic
	Debug      []string         // debug modes: DebugPages
	Trace      string           // file for a timeline of what cores did, "" for none
	TraceKinds trace.Set        // what it shows
	Dir        string           // where logs go
	Console    io.Writer        // where log lines go as well
	MayBlock   bool             // Console may take nothing any more: that does not hold up the end of a run that was asked to end
	View       observe.View     // how they look there
	Started    time.Time        // when the command started
	Kick       <-chan Reason    // asks to stop everything
	Grace      time.Duration    // how long programs that a signal asked to end may take
	Commands   <-chan Command   // what is asked of the run meanwhile
	Device     string           // the KVM device, "" for kvm.DevicePath

	// Metrics, if set, serves figures of all cores while they live. The run closes it.
	Metrics *metrics.Server

	// Confined holds cores that are processes to the system calls that package sandbox
	// lists.
	Confined bool

	// Confine, if set, is called once everything is open that the run needs, before a
	// core runs, to take from this process what it needs no more.
	Confine func() error

	// Available says how many bytes the host has to spare for cores that want more memory;
	// nil for what it tells itself.
	Available func() uint64

	// Reached, if set, is called with the name of each phase of the start
	// (Report.Timing) once it is reached.
	Reached func(phase string)

	// Inspect, if set, is called once all cores' lives ended, while the
	// shared region is still there.
	Inspect func(*region.View)
}

// MaxCores is the largest number of cores.
const MaxCores = 64

// DebugPages is the debug mode in which pages that cores hand over are mapped by
// their owner alone.
const DebugPages = "pages"

// DebugInterrupts is the debug mode in which cores note where interrupts find
// their drivers.
const DebugInterrupts = "interrupts"

// DebugCaps is the debug mode in which each core's monitor tests all that must hold of its
// capabilities, and of what it knows of others', after each step.
const DebugCaps = "caps"

// DebugModes are all debug modes.
var DebugModes = []string{DebugPages, DebugInterrupts, DebugCaps}

// Reason is why somebody asks to stop a run.
type Reason struct {
	Text   string      // "SIGINT"
	Code   int         // exit code of the run
	Signal unix.Signal // what programs get first, 0 to stop the cores at once
}

// Check reports options that no run can have.
func (o *Options) Check() error {
	if err := CheckPlatform(o.Platform); err != nil {
		return err
	}
	if o.Cores < 1 || o.Cores > min(MaxCores, doorbell.MaxCores) {
		return fmt.Errorf("run: %d cores: use --cores 1 to %d", o.Cores, MaxCores)
	}
	if o.Room != 0 && (o.Room < o.Cores || o.Room > min(MaxCores, doorbell.MaxCores)) {
		return fmt.Errorf("run: room for %d cores: use --max-cores %d (as many as there are) to %d", o.Room, o.Cores, MaxCores)
	}
	if o.Tick != 0 && (o.Tick < 200*time.Microsecond || o.Tick > time.Second) {
		return fmt.Errorf("run: tick of %v: use --tick 0 or 200us to 1s", o.Tick)
	}
	if o.Watchdog != 0 && (o.Watchdog < minWatchdog || o.Watchdog > time.Hour) {
		return fmt.Errorf("run: watchdog of %v: use --watchdog 0 or %v to 1h", o.Watchdog, minWatchdog)
	}
	if o.HaltPoll < -1 || o.HaltPoll > int(time.Second) {
		return fmt.Errorf("run: halt polling of %d ns: use --halt-poll 0 to %d, or -1 for the host's setting", o.HaltPoll, int(time.Second))
	}
	for _, mode := range o.Debug {
		if !slices.Contains(DebugModes, mode) {
			return fmt.Errorf("run: no debug mode %q: use --debug %s", mode, strings.Join(DebugModes, ","))
		}
	}
	if err := o.checkMonitors(); err != nil {
		return err
	}
	if err := o.checkMemory(); err != nil {
		return err
	}
	place, err := o.placement()
	if err != nil {
		return err
	}
	_, err = o.pollTime(o.crowded(place))
	return err
}

// checkMemory reports memory that cannot hold the image, or arguments that do
// not fit the first stack.
func (o *Options) checkMemory() error {
	if o.Memory < layout.MinRAM || o.Memory > layout.MaxRAM || o.Memory%layout.HugeSize != 0 {
		return fmt.Errorf("run: %s of memory per core: use --memory %dM to %dG, in steps of 2M and with the suffix, such as 64M",
			amount(o.Memory), layout.MinRAM>>20, uint64(layout.MaxRAM)>>30)
	}
	if o.SharedRAM > layout.MaxRegion/2 || o.SharedRAM%layout.HugeSize != 0 {
		return fmt.Errorf("run: %s of shared memory: use --shared-memory 2M to %dG, in steps of 2M and with the suffix, such as 64M",
			amount(o.SharedRAM), uint64(layout.MaxRegion/2)>>30)
	}
	if m := o.MaxMemory; m != 0 && (m < o.Memory || m > layout.MaxRAM || m%layout.HugeSize != 0) {
		return fmt.Errorf("run: at most %s of memory per core: use --max-memory %dM (what --memory says) to %dG, in steps of 2M and with the suffix, such as 512M",
			amount(m), o.Memory>>20, uint64(layout.MaxRAM)>>30)
	}
	if o.Image == nil {
		return fmt.Errorf("run: no image: give the name of one ('barreleye images' lists them)")
	}
	return o.checkImage(o.Image)
}

// checkImage reports an image whose data do not fit the memory of a core, or whose name
// and arguments do not fit the first stack.
func (o *Options) checkImage(im *image.Image) error {
	data := machine.DataSize(im)
	// package machine wants half of the memory free; page tables, bitmaps and
	// the driver's stacks come on top of the data
	if need := data + 2<<20; need+o.Memory/128 > o.Memory/2 {
		return fmt.Errorf("run: the image's data of %d KiB leave too little of %d MiB per core: use --memory %dM or more",
			data>>10, o.Memory>>20, (3*need+layout.HugeSize-1)/layout.HugeSize*2)
	}
	text := len(im.Name) + 1
	for _, s := range slices.Concat(o.Args, o.Env) {
		text += len(s) + 1 + 8
	}
	if text > layout.ProcessSize/2 {
		return fmt.Errorf("run: arguments and environment of %d bytes: give at most %d", text, layout.ProcessSize/2)
	}
	return nil
}

// amount writes a number of bytes in the largest unit that it is a multiple of.
func amount(bytes uint64) string {
	for _, u := range []struct {
		shift int
		name  string
	}{{30, "GiB"}, {20, "MiB"}, {10, "KiB"}} {
		if n := bytes >> u.shift; n > 0 && n<<u.shift == bytes {
			return fmt.Sprintf("%d %s", n, u.name)
		}
	}
	return fmt.Sprintf("%d bytes", bytes)
}

// flags returns the bits of boot.Page.Flags that options are on any platform.
func (o *Options) flags() (flags uint64) {
	if o.Shared {
		flags |= boot.FlagShareAll
	}
	if o.Idle == IdlePark {
		flags |= boot.FlagPark
	}
	if slices.Contains(o.Debug, DebugPages) {
		flags |= boot.FlagDebugPages
	}
	if slices.Contains(o.Debug, DebugInterrupts) {
		flags |= boot.FlagNoted
	}
	if slices.Contains(o.Debug, DebugCaps) {
		flags |= boot.FlagCheckCaps
	}
	return flags
}

// placement returns the CPU of each core, -1 for none.
func (o *Options) placement() ([]int, error) {
	cpus, err := allowedCPUs()
	if err != nil {
		return nil, err
	}
	place := make([]int, o.room())
	switch o.Pin {
	case "", "auto":
		for i := range place {
			place[i] = cpus[i%len(cpus)]
		}
	case "none":
		for i := range place {
			place[i] = -1
		}
	default:
		list := strings.Split(o.Pin, ",")
		for i := range place {
			cpu, err := strconv.Atoi(list[i%len(list)])
			if err != nil || !contains(cpus, cpu) {
				return nil, fmt.Errorf("run: --pin %s: no CPU %q among those this process may use %v: use auto, none or a list of these", o.Pin, list[i%len(list)], cpus)
			}
			place[i] = cpu
		}
	}
	return place, nil
}

func contains(list []int, n int) bool {
	for _, v := range list {
		if v == n {
			return true
		}
	}
	return false
}

// crowded reports whether cores outnumber the CPUs they may use, so that one
// that polls would keep another from running.
func (o *Options) crowded(place []int) bool {
	seen := map[int]bool{}
	for _, cpu := range place {
		if cpu >= 0 && seen[cpu] {
			return true
		}
		seen[cpu] = true
	}
	return len(place) > runtime.NumCPU()
}

// room returns how many cores there may be.
func (o *Options) room() int { return max(o.Cores, o.Room) }

// haltPoll returns the halt polling to set, in ns, or -1 for the host's.
func (o *Options) haltPoll(crowded bool) int {
	if crowded && o.HaltPoll < 0 {
		return 0
	}
	return o.HaltPoll
}
