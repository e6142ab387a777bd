package multikernel

import (
	"cmp"
	"errors"
	"runtime"

	"barreleye/devices/boot"
	"barreleye/devices/doorbell"
	"barreleye/devices/region"
	"barreleye/vmm/files"
	"barreleye/vmm/hostmem"
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
	text  *machine.Text
	files *hostmem.Memory // file tree, nil for none
}

func newGuests(r *run) (*guests, error) {
	g := &guests{r: r}
	var err error
	if g.sys, err = kvm.Open(cmp.Or(r.opt.Device, kvm.DevicePath)); err != nil {
		return nil, err
	}
	if g.text, err = machine.NewText(r.opt.Image); err != nil {
		g.close()
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

// tscKHz is what KVM tells of the first core.
func (g *guests) tscKHz() uint64 { return g.r.cores[0].life.(*guestLife).TSCKHz() }

func (g *guests) close() {
	g.sys.Close()
	if g.text != nil {
		g.text.Free()
	}
	if g.files != nil {
		g.files.Free()
	}
}

// newLife builds the core's machine and connects its doorbells.
func (g *guests) newLife(c *core) (carrier, error) {
	opt := g.r.opt
	flags := opt.flags()
	if !g.r.crowded {
		flags |= boot.FlagShortTimers
	}
	if g.r.measurePoll {
		flags |= boot.FlagMeasurePoll
	}
	if opt.Populate {
		flags |= boot.FlagPopulate
	}
	m, err := machine.New(g.sys, machine.Config{
		Core: c.index, Cores: opt.Cores, Life: 1, RAM: opt.Memory, Args: g.r.args(), Env: opt.Env,
		Tick: opt.Tick, TickSpread: opt.TickSpread, Poll: g.r.poll, Flags: flags,
		Populate: opt.Populate, CPU: g.r.place[c.index], Files: g.files, Exited: g.r.exitsOf(c),
		Geometry: g.r.view.Geometry, Shared: opt.Shared,
		Lent: func(page int) (region.Span, bool) { return g.r.view.Lent(page, c.index) },
	}, g.text, g.r.memory)
	if err != nil {
		return nil, err
	}
	if err := g.wire(m, c); err != nil {
		m.Close()
		return nil, err
	}
	return &guestLife{m, g.r, c}, nil
}

// wire connects a core's doorbells.
func (g *guests) wire(m *machine.Machine, c *core) error {
	if err := m.BindInterrupt(c.event); err != nil {
		return err
	}
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
	if poll := g.r.haltPoll(); poll >= 0 {
		if err := m.SetHaltPoll(uint32(poll)); err != nil && !errors.Is(err, kvm.ErrUnusable) {
			return err
		}
	}
	return nil
}

// guestLife is one life of a core in a virtual machine.
type guestLife struct {
	*machine.Machine
	r *run
	c *core
}

func (l *guestLife) Run() (life.End, error) {
	runtime.LockOSThread() // which Machine.Run stays on
	defer runtime.UnlockOSThread()
	over := l.r.beginLife(l.c, thread(unix.Gettid()))
	end, err := l.Machine.Run()
	over()
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
// vCPU to do either: one with an interrupt on its way waits for a CPU.
func (l *guestLife) Quiet() bool {
	return l.r.view.Block(l.c.index).NoTimer.Load() != 0 && l.Blocked()
}

func (l *guestLife) Source() observe.Source {
	return observe.NewRingSource(l.r.view, l.c.index, func() { l.r.wake(l.c.index) })
}

// Remains is mortal.Remains.
func (l *guestLife) Remains() postmortem.Remains {
	return l.Machine.Remains(l.r.view.Crash(l.c.index), l.c.end.Kind == life.Crashed, l.r.memory)
}

func (l *guestLife) Exits() uint64 { return l.Machine.Exits }
