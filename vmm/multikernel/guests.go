package multikernel

import (
	"cmp"
	"errors"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"barreleye/devices/boot"
	"barreleye/devices/doorbell"
	"barreleye/devices/region"
	"barreleye/vmm/files"
	"barreleye/vmm/hostmem"
	"barreleye/vmm/image"
	"barreleye/vmm/kvm"
	"barreleye/vmm/life"
	"barreleye/vmm/machine"
	"barreleye/vmm/observe"
	"barreleye/vmm/postmortem"

	"golang.org/x/sys/unix"
)

// guests is the platform on which each core is a virtual machine.
type guests struct {
	r     *run
	sys   *kvm.System
	khz   atomic.Uint64
	files *hostmem.Memory // file tree, nil for none
}

func newGuests(r *run) (*guests, error) {
	g := &guests{r: r}
	var err error
	if g.sys, err = kvm.Open(cmp.Or(r.opt.Device, kvm.DevicePath)); err != nil {
		return nil, err
	}
	if r.opt.Files != nil {
		if g.files, err = files.LayOut(r.opt.Files, hostmem.Allocate); err != nil {
			g.close()
			return nil, err
		}
	}
	return g, nil
}

// tscKHz is what KVM tells of a core.
func (g *guests) tscKHz() uint64 { return g.khz.Load() }

func (g *guests) close() {
	g.sys.Close()
	if g.files != nil {
		g.files.Free()
	}
}

// load lays out an image's text.
func (g *guests) load(im *image.Image) (io.Closer, error) { return newGuestProgram(im) }

// newLife builds a machine and connects its doorbells.
func (g *guests) newLife(b birth) (carrier, error) {
	opt := g.r.opt
	flags := opt.flags()
	if !b.crowded {
		flags |= boot.FlagShortTimers
	}
	if opt.autoPoll() && !b.crowded {
		flags |= boot.FlagMeasurePoll
	}
	if opt.Populate {
		flags |= boot.FlagPopulate
	}
	m, err := b.program.loaded.(*guestProgram).machine(g, machine.Config{
		Core: b.core, Cores: b.cores, Life: b.life, RAM: opt.Memory, MaxRAM: opt.MaxMemory, Args: g.r.args(b.program), Env: opt.Env,
		Tick: opt.Tick, TickSpread: opt.TickSpread, Poll: b.poll, Flags: flags,
		Populate: opt.Populate, CPU: b.cpu, Files: g.files, Exited: g.r.exitsOf(b.core),
		Geometry: g.r.view.Geometry, Shared: opt.Shared, Available: opt.Available,
		Lent: func(page int) (region.Span, bool) { return g.r.view.Lent(page, b.core) },
	})
	if err != nil {
		return nil, err
	}
	c := g.r.cores[b.core]
	if err := g.wire(m, c, b.crowded); err != nil {
		m.Close()
		return nil, err
	}
	g.khz.Store(m.TSCKHz())
	return &guestLife{m, g.r, c, b.life}, nil
}

// wire connects the doorbells that a core rings. Its own is bound when its life begins.
func (g *guests) wire(m *machine.Machine, c *core, crowded bool) error {
	for _, to := range g.r.cores {
		if to != c {
			if err := m.BindDoorbell(to.index, to.event); err != nil {
				return err
			}
		}
	}
	if err := m.BindDoorbell(doorbell.VMM, g.r.bell); err != nil {
		return err
	}
	// A halted core that KVM polls for keeps the CPU from the others.
	if poll := g.r.opt.haltPoll(crowded); poll >= 0 {
		if err := m.SetHaltPoll(uint32(poll)); err != nil && !errors.Is(err, kvm.ErrUnusable) {
			return err
		}
	}
	return nil
}

// guestLife is one life of a core in a virtual machine.
type guestLife struct {
	*machine.Machine
	r      *run
	c      *core
	number uint64
}

func (l *guestLife) Run() (life.End, error) {
	runtime.LockOSThread() // which Machine.Run stays on
	defer runtime.UnlockOSThread()
	if err := l.BindInterrupt(l.c.event); err != nil { // which the last life's machine had
		return life.End{}, err
	}
	over := l.r.beginLife(l.c, l.number, thread(unix.Gettid()))
	end, err := l.Machine.Run()
	over()
	if e := l.UnbindInterrupt(l.c.event); err == nil { // the next life's machine has it
		err = e
	}
	end.Code = int(l.r.view.Block(l.c.index).ExitCode.Load() & 0xff)
	return end, err
}

// Signal posts the signal where the core's driver looks.
func (l *guestLife) Signal(sig unix.Signal) {
	box := &l.r.view.VMM(l.c.index).Signal
	box.Store((box.Load()>>8+1)<<8 | uint64(sig))
	l.r.wake(l.c.index)
}

// Quiet is what the driver says as it halts, where Linux has nothing for the
// vCPU to do either: one with an interrupt on its way waits for a CPU, and one that a
// debugger holds for that.
func (l *guestLife) Quiet() bool {
	return l.r.view.Block(l.c.index).NoTimer.Load() != 0 && l.Blocked() && !l.Held()
}

func (l *guestLife) Source() observe.Source {
	return observe.NewRingSource(l.r.view, l.c.index, func() { l.r.wake(l.c.index) })
}

// Remains is mortal.Remains.
func (l *guestLife) Remains() postmortem.Remains {
	return l.Machine.Remains(l.r.view.Crash(l.c.index), l.c.end.Kind == life.Crashed, l.r.memory)
}

// Nap is napper.Nap.
func (l *guestLife) Nap(asleep func() (time.Time, bool)) {
	l.Machine.Nap(l.c.event, asleep, func() { l.r.usage[l.c.index].parks.Add(1) })
}

// Look is visible.Look.
func (l *guestLife) Look(show func(postmortem.Remains)) error {
	return l.Machine.Look(l.r.view.Crash(l.c.index), l.r.memory, func(left *machine.Remains) { show(left) })
}

// Debug is debuggable.
func (l *guestLife) Debug(stopped func(machine.Trap)) (*machine.Debugger, error) {
	return l.Machine.Debug(l.r.memory, l.r.view.Crash(l.c.index), stopped)
}

func (l *guestLife) Exits() uint64 { return l.Machine.Exits }
