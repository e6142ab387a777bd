package multikernel

import (
	"cmp"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"barreleye/devices/clock"
	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/guest/monitor/membership"
	"barreleye/urpc"
	"barreleye/vmm/hostmem"
	"barreleye/vmm/inquiry"
	"barreleye/vmm/kvm"
	"barreleye/vmm/life"
	"barreleye/vmm/lifecycle"
	"barreleye/vmm/observe"
	"barreleye/vmm/supervise"

	"golang.org/x/sys/unix"
)

// run is one multikernel while it lives.
type run struct {
	opt         *Options
	place       []int         // CPU of each core that there is room for
	crowded     bool          // cores outnumber their CPUs
	poll        time.Duration // how long idle cores poll
	measurePoll bool          // guests find out themselves
	platform    platform
	memory      *hostmem.Memory // of the shared region
	view        *region.View
	cores       []*core // that there is room for
	seen        int     // cores that there are or were: those from 0 to seen-1
	bell        int     // event descriptor of the VMM's own doorbell
	keeper      *clock.Keeper
	members     *membership.Keeper
	logs        *observe.Logs
	tracer      atomic.Pointer[tracer] // nil: nobody asked
	usage       []usage                // by core
	report      Report

	// What happens comes to the run's goroutine, which alone touches what follows, and
	// the cores.
	ends    chan ending
	done    chan func() // what goroutines of working leave to be done
	over    chan struct{}
	working sync.WaitGroup
	machine *lifecycle.Machine
	started bool
	failed  error     // of the VMM itself
	waiting []waiting // commands
	asking  question
	tracing *Command      // an OpTrace that is under way
	stop    *Reason       // why all cores were asked to end, nil where they were not
	grace   time.Duration // what they were given then
	gaveUp  bool          // cores were restarted too often
}

// core is one core of a run, over all of its lives.
type core struct {
	index   int
	event   int       // event descriptor of its doorbell
	bell    urpc.Bell // by which the VMM wakes it
	program *program  // what its next life runs
	next    *born     // that life, once it is ready
	spare   *born     // the life after this one, made ahead

	// its life, or the one that has just ended
	born   *born         // nil between lives
	life   carrier       // of born
	number uint64        // of that life, 1 for the first
	desk   *inquiry.Desk // asks its monitor
	began  time.Time
	course

	dumps int        // core files of it while it lived
	debug *debugging // of its life, nil for none

	seenAsleep uint64 // generation of the sleep in which it was seen last
	napped     bool   // it was parked in that sleep

	ready time.Time // since when its next life waits for others; zero where none does
	told  bool      // a line has said so

	wiped []traffic    // with each core, of lives whose counts are wiped out
	last  *CoreReport  // of the last life that ended, nil before
	lives []LifeReport // that ended
}

// course is what became of one life so far. The next one begins with none of it.
type course struct {
	main  bool // its program reached main
	over  bool // no life is under way
	end   life.End
	err   error
	words string // by which the Go runtime ended its program, "" where it did not

	killed   bool          // somebody asked for that end to be a crash
	signal   unix.Signal   // by which it was asked to end, 0 if it was not
	grace    time.Duration // what it was given then
	patience time.Time     // when that is over; zero where it is not under way
}

// Run boots the multikernel and returns when every core's life has ended. The
// error is one of the VMM or of the options; how the cores fared is in the
// report, which is complete even where the error is not nil.
func Run(opt *Options) (*Report, error) {
	r := &run{opt: opt, bell: -1, done: make(chan func()), over: make(chan struct{})}
	if err := opt.Check(); err != nil {
		return &r.report, err
	}
	defer r.close()
	if err := r.prepare(); err != nil {
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

// prepare makes everything up to the first instruction.
func (r *run) prepare() error {
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
	return r.confine()
}

// confine gives up what the run does not need.
func (r *run) confine() error {
	if r.opt.Confine == nil {
		return nil
	}
	err := r.opt.Confine()
	r.phase("confined")
	return err
}

// settle decides where cores run and how long they poll.
func (r *run) settle() (err error) {
	if r.place, err = r.opt.placement(); err != nil {
		return err
	}
	r.seen = r.opt.Cores
	r.crowded = r.opt.crowded(r.place[:r.seen])
	r.poll, err = r.opt.pollTime(r.crowded)
	r.measurePoll = r.opt.autoPoll() && !r.crowded
	r.report.Dir, r.report.PollNS = r.opt.Dir, r.poll.Nanoseconds()
	return err
}

// share makes what all cores and the VMM see: the region and the doorbells.
func (r *run) share() (err error) {
	geometry := region.DefaultGeometry(r.opt.room())
	if n := r.opt.SharedRAM; n != 0 {
		geometry.RAMPages = int(n / layout.PageSize)
	}
	if err := geometry.Check(); err != nil {
		return err
	}
	if r.memory, err = hostmem.AllocateShared("barreleye-region", geometry.Size()); err != nil {
		return err
	}
	if r.view, err = region.Format(uintptr(r.memory.Address()), geometry); err != nil {
		return err
	}
	r.found()
	r.plant()
	if r.opt.Stats {
		r.view.Header().Latency = 1
	}
	if r.bell, err = eventfd(); err != nil {
		return err
	}
	for i := range r.opt.room() {
		c := &core{index: i, event: -1, course: course{over: true}, wiped: make([]traffic, r.opt.room())}
		r.cores = append(r.cores, c)
		if c.event, err = eventfd(); err != nil {
			return err
		}
		c.bell = c.newBell(r.view)
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
	if r.report.HaltPollNS = r.opt.haltPoll(r.crowded); r.report.HaltPollNS < 0 {
		r.report.HaltPollNS = kvm.HaltPoll()
	}
	g, err := newGuests(r)
	if err != nil {
		return err
	}
	r.platform = g
	return nil
}

// enliven makes every core's first life, all at once, and opens the logs.
func (r *run) enliven() error {
	first, err := r.load(r.opt.Image)
	if err != nil {
		return err
	}
	defer first.release()
	for _, c := range r.cores {
		c.program = first.use()
	}
	policy := r.opt.Restart
	policy.Intensity = cmp.Or(policy.Intensity, supervise.DefaultIntensity)
	tree, err := policy.Tree(r.opt.Cores)
	if err != nil {
		return err
	}
	r.machine = lifecycle.New(len(r.cores), tree)
	r.ends = make(chan ending, len(r.cores))
	for i := range r.opt.Cores {
		if err := r.machine.Begin(i); err != nil {
			return err
		}
		r.build(r.cores[i], 1)
	}
	r.machine.Take()
	for range r.opt.Cores {
		(<-r.done)()
	}
	if r.failed != nil {
		return r.failed
	}
	r.logs, err = observe.NewLogs(observe.Config{Dir: r.opt.Dir, Clock: r.view.Clock()})
	return err
}

// args returns the programs' argument list.
func (r *run) args(p *program) []string { return append([]string{p.image.Name}, r.opt.Args...) }

// ring signals the core's doorbell.
func (c *core) ring() {
	one := [8]byte{1}
	// Only a full counter could refuse, and then a ring is pending already.
	_, _ = unix.Write(c.event, one[:])
}

// newBell returns what wakes a life of the core.
func (c *core) newBell(view *region.View) urpc.Bell {
	return urpc.Bell{Asleep: &view.Block(c.index).Asleep, Ring: c.ring}
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
	if t := r.tracer.Load(); t != nil {
		_ = t.close() // where it was not: nobody gets it
	}
	for _, c := range r.cores {
		for _, b := range []*born{c.next, c.spare, c.born} {
			if b != nil {
				r.dispose(b)
			}
		}
	}
	r.working.Wait()
	for _, c := range r.cores {
		if c.program != nil {
			c.program.release()
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
