package multikernel

import (
	"fmt"
	"sync"
	"time"

	"barreleye/devices/clock"
	"barreleye/devices/region"
	"barreleye/urpc"
	"barreleye/vmm/hostmem"
	"barreleye/vmm/kvm"
	"barreleye/vmm/life"
	"barreleye/vmm/observe"

	"golang.org/x/sys/unix"
)

// run is one multikernel while it lives.
type run struct {
	opt         *Options
	place       []int
	crowded     bool          // cores outnumber their CPUs
	poll        time.Duration // how long idle cores poll
	measurePoll bool          // guests find out themselves
	platform    platform
	memory      *hostmem.Memory // of the shared region
	view        *region.View
	cores       []*core
	bell        int // event descriptor of the VMM's own doorbell
	keeper      *clock.Keeper
	logs        *observe.Logs
	tracer      *tracer // nil: nobody asked
	usage       []usage // by core
	report      Report

	// of the run's goroutine, while cores live
	alive    int              // cores whose end was not received
	stop     *Reason          // why all cores were asked to end, nil where they were not
	grace    time.Duration    // what they were given then
	patience <-chan time.Time // tells that it is over
	asking   inquiry
}

// core is one core of a run.
type core struct {
	index int
	event int       // event descriptor of its doorbell
	bell  urpc.Bell // by which the VMM wakes it
	life  carrier
	end   life.End
	err   error
	over  bool // guarded by the run's goroutine, as what follows: its end was received

	words  string     // by which the Go runtime ended its program, "" where it did not
	number uint64     // of its life, 1 for the first
	asked  []*Command // that wait for its end
	killed bool       // somebody asked for that end to be a crash
}

// Run boots the multikernel and returns when every core's life has ended. The
// error is one of the VMM or of the options; how the cores fared is in the
// report, which is complete even where the error is not nil.
func Run(opt *Options) (*Report, error) {
	r := &run{opt: opt, bell: -1}
	if err := opt.Check(); err != nil {
		return &r.report, err
	}
	defer r.close()
	if err := r.build(); err != nil {
		return &r.report, err
	}
	return &r.report, r.live()
}

// PhaseBuilt is the phase of the start after which cores may say something.
const PhaseBuilt = "cores built"

// phase notes a step of the start.
func (r *run) phase(name string) {
	r.report.Timing = append(r.report.Timing, Phase{name, r.since(time.Now())})
	if r.opt.Reached != nil {
		r.opt.Reached(name)
	}
}

func (r *run) since(t time.Time) float64 {
	return float64(t.Sub(r.opt.Started).Microseconds()) / 1000
}

// build makes everything up to the first instruction.
func (r *run) build() error {
	r.phase("image loaded")
	if err := r.settle(); err != nil {
		return err
	}
	if err := r.share(); err != nil {
		return err
	}
	r.phase("shared region")
	if err := r.choose(); err != nil {
		return err
	}
	if err := r.enliven(); err != nil {
		return err
	}
	r.phase(PhaseBuilt)
	r.report.TSCKHz = r.platform.tscKHz()
	tsc, mono, wall := readClocks()
	r.keeper = clock.NewKeeper(r.view.Clock(), r.report.TSCKHz, tsc, mono, wall)
	if err := r.startTrace(); err != nil {
		return err
	}
	r.startMetrics()
	return nil
}

// settle decides where cores run and how long they poll.
func (r *run) settle() (err error) {
	if r.place, err = r.opt.placement(); err != nil {
		return err
	}
	r.crowded = r.opt.crowded(r.place)
	r.poll, err = r.opt.pollTime(r.crowded)
	r.measurePoll = r.opt.autoPoll() && !r.crowded
	r.report.Dir, r.report.PollNS = r.opt.Dir, r.poll.Nanoseconds()
	return err
}

// share makes what all cores and the VMM see: the region and the doorbells.
func (r *run) share() (err error) {
	geometry := region.DefaultGeometry(r.opt.Cores)
	if err := geometry.Check(); err != nil {
		return err
	}
	if r.memory, err = hostmem.AllocateShared("barreleye-region", geometry.Size()); err != nil {
		return err
	}
	if r.view, err = region.Format(uintptr(r.memory.Address()), geometry); err != nil {
		return err
	}
	if r.opt.Stats {
		r.view.Header().Latency = 1
	}
	if r.bell, err = eventfd(); err != nil {
		return err
	}
	for i := range r.opt.Cores {
		c := &core{index: i, event: -1, number: 1}
		r.cores = append(r.cores, c)
		if c.event, err = eventfd(); err != nil {
			return err
		}
		c.bell = urpc.Bell{Asleep: &r.view.Block(i).Asleep, Ring: c.ring}
		r.view.VMM(i).Life.Store(region.LifeWord(1, region.OverNot))
	}
	return nil
}

// choose settles the platform and opens it.
func (r *run) choose() error {
	name := r.opt.Platform
	if name == PlatformAuto || name == "" {
		choice, err := Choose(name, r.opt.Device)
		if err != nil {
			return err
		}
		name = choice.Platform
	}
	r.report.Platform = name
	if name == PlatformHosted {
		p, err := newProcesses(r)
		if err != nil {
			return err
		}
		r.platform = p
		return nil
	}
	r.report.Flavour = kvm.DetectFlavour()
	if r.report.HaltPollNS = r.haltPoll(); r.report.HaltPollNS < 0 {
		r.report.HaltPollNS = kvm.HaltPoll()
	}
	g, err := newGuests(r)
	if err != nil {
		return err
	}
	r.platform = g
	return nil
}

// enliven makes every core's first life, all at once, and opens their logs.
func (r *run) enliven() (err error) {
	var wg sync.WaitGroup
	for _, c := range r.cores {
		wg.Go(func() { c.life, c.err = r.platform.newLife(c) })
	}
	wg.Wait()
	sources := make([]observe.Source, len(r.cores))
	for i, c := range r.cores {
		if c.err != nil {
			return c.err
		}
		sources[i] = c.life.Source()
	}
	r.logs, err = observe.NewLogs(observe.Config{Dir: r.opt.Dir, Sources: sources, Clock: r.view.Clock()})
	return err
}

// args returns the programs' argument list.
func (r *run) args() []string { return append([]string{r.opt.Image.Name}, r.opt.Args...) }

// haltPoll returns the halt polling to set, in ns, or -1 for the host's.
func (r *run) haltPoll() int {
	if r.crowded && r.opt.HaltPoll < 0 {
		return 0
	}
	return r.opt.HaltPoll
}

// ring signals the core's doorbell.
func (c *core) ring() {
	one := [8]byte{1}
	// Only a full counter could refuse, and then a ring is pending already.
	_, _ = unix.Write(c.event, one[:])
}

// wake rings a core if it sleeps.
func (r *run) wake(i int) { r.cores[i].bell.Wake() }

func eventfd() (int, error) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("run: event descriptor: %w: raise the limit on open files (ulimit -n)", err)
	}
	return fd, nil
}

// close frees everything; cores do not run any more.
func (r *run) close() {
	r.endMetrics()
	r.tracer.close()
	for _, c := range r.cores {
		if c.life != nil {
			c.life.Close()
		}
		if c.event >= 0 {
			unix.Close(c.event)
		}
	}
	if r.bell >= 0 {
		unix.Close(r.bell)
	}
	if r.logs != nil {
		r.logs.Close()
	}
	if r.platform != nil {
		r.platform.close()
	}
	if r.memory != nil {
		r.memory.Free()
	}
}
