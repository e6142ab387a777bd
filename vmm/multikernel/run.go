package multikernel

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"time"

	"barreleye/devices/boot"
	"barreleye/devices/clock"
	"barreleye/devices/doorbell"
	"barreleye/devices/region"
	"barreleye/urpc"
	"barreleye/vmm/kvm"
	"barreleye/vmm/machine"
	"barreleye/vmm/observe"

	"golang.org/x/sys/unix"
)

// run is one multikernel while it lives.
type run struct {
	opt    *Options
	place  []int
	text   *machine.Text
	memory *machine.HostMemory
	view   *region.View
	cores  []*core
	bell   int // event descriptor of the VMM's own doorbell
	keeper *clock.Keeper
	logs   *observe.Logs
	report Report
}

// core is one core of a run.
type core struct {
	index   int
	machine *machine.Machine
	event   int       // event descriptor of its doorbell
	bell    urpc.Bell // by which the VMM wakes it
	end     machine.End
	err     error
	over    bool // guarded by the run's goroutine: its end was received
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

// phase notes a step of the start.
func (r *run) phase(name string) {
	r.report.Timing = append(r.report.Timing, Phase{name, r.since(time.Now())})
}

func (r *run) since(t time.Time) float64 {
	return float64(t.Sub(r.opt.Started).Microseconds()) / 1000
}

// build makes everything up to the first instruction.
func (r *run) build() error {
	var err error
	opt := r.opt
	r.phase("image loaded")
	if r.place, err = opt.placement(); err != nil {
		return err
	}
	crowded := opt.crowded(r.place)
	poll, err := opt.pollTime(crowded)
	if err != nil {
		return err
	}
	sys, err := kvm.Open(cmp.Or(opt.Device, kvm.DevicePath))
	if err != nil {
		return err
	}
	defer sys.Close()
	r.report.Platform, r.report.Flavour, r.report.Dir = "kvm", kvm.DetectFlavour(), opt.Dir
	r.report.PollNS = poll.Nanoseconds()
	if r.report.HaltPollNS = r.haltPoll(crowded); r.report.HaltPollNS < 0 {
		r.report.HaltPollNS = kvm.HaltPoll()
	}

	geometry := region.Geometry{Cores: opt.Cores, RingLines: region.DefaultRingLines(opt.Cores)}
	if err := geometry.Check(); err != nil {
		return err
	}
	if r.memory, err = machine.Allocate(geometry.Size(), true); err != nil {
		return err
	}
	if r.view, err = region.Format(uintptr(r.memory.Address()), geometry); err != nil {
		return err
	}
	if r.text, err = machine.NewText(opt.Image); err != nil {
		return err
	}
	sources := make([]observe.Source, opt.Cores)
	for i := range sources {
		sources[i] = observe.NewRingSource(r.view, i, func() { r.wake(i) })
	}
	if r.logs, err = observe.NewLogs(observe.Config{Dir: opt.Dir, Sources: sources, Clock: r.view.Clock()}); err != nil {
		return err
	}
	if r.bell, err = eventfd(); err != nil {
		return err
	}
	for i := range opt.Cores {
		c := &core{index: i}
		if c.event, err = eventfd(); err != nil {
			return err
		}
		c.bell = urpc.Bell{Asleep: &r.view.Block(i).Asleep, Ring: c.ring}
		r.cores = append(r.cores, c)
	}
	r.phase("shared region")

	flags := uint64(0)
	if !crowded {
		flags |= boot.FlagShortTimers
	}
	if opt.Populate {
		flags |= boot.FlagPopulate
	}
	var wg sync.WaitGroup
	for _, c := range r.cores {
		wg.Go(func() {
			c.machine, c.err = machine.New(sys, machine.Config{
				Core: c.index, Cores: opt.Cores, Life: 1, RAM: opt.Memory,
				Args: append([]string{opt.Image.Name}, opt.Args...), Env: opt.Env,
				Tick: opt.Tick, TickSpread: opt.TickSpread, Poll: poll, Flags: flags,
				Populate: opt.Populate, CPU: r.place[c.index],
			}, r.text, r.memory)
			if c.err == nil {
				c.err = r.wire(c, crowded)
			}
		})
	}
	wg.Wait()
	for _, c := range r.cores {
		if c.err != nil {
			return c.err
		}
	}
	r.phase("machines built")
	r.report.TSCKHz = r.cores[0].machine.TSCKHz()
	tsc, mono, wall := readClocks()
	r.keeper = clock.NewKeeper(r.view.Clock(), r.cores[0].machine.TSCKHz(), tsc, mono, wall)
	return nil
}

// wire connects a core's doorbells.
func (r *run) wire(c *core, crowded bool) error {
	if err := c.machine.BindInterrupt(c.event); err != nil {
		return err
	}
	for _, to := range r.cores {
		if to != c {
			if err := c.machine.BindDoorbell(to.index, to.event); err != nil {
				return err
			}
		}
	}
	if err := c.machine.BindDoorbell(doorbell.VMM, r.bell); err != nil {
		return err
	}
	// A halted core that KVM polls for keeps the CPU from the others.
	if poll := r.haltPoll(crowded); poll >= 0 {
		if err := c.machine.SetHaltPoll(uint32(poll)); err != nil && !errors.Is(err, kvm.ErrUnusable) {
			return err
		}
	}
	return nil
}

// haltPoll returns the halt polling to set, in ns, or -1 for the host's.
func (r *run) haltPoll(crowded bool) int {
	if crowded && r.opt.HaltPoll < 0 {
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
	for _, c := range r.cores {
		if c.machine != nil {
			c.machine.Close()
		}
		unix.Close(c.event)
	}
	if r.bell >= 0 {
		unix.Close(r.bell)
	}
	if r.logs != nil {
		r.logs.Close()
	}
	if r.text != nil {
		r.text.Free()
	}
	if r.memory != nil {
		r.memory.Free()
	}
}
