package multikernel

import (
	"fmt"

	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/vmm/files"
	"barreleye/vmm/hosted"
	"barreleye/vmm/hostmem"
	"barreleye/vmm/life"
	"barreleye/vmm/machine"
	"barreleye/vmm/observe"
)

// processes is the platform on which each core is a Linux process.
type processes struct {
	r     *run
	file  *hosted.File
	files *hostmem.Memory // file tree, nil for none
	khz   uint64
}

func newProcesses(r *run) (*processes, error) {
	im := r.opt.Image
	if im.File == nil {
		return nil, fmt.Errorf("run: image %s is no ELF file and runs on KVM only: use --platform kvm", im.Name)
	}
	file, err := hosted.NewFile(im.Name, im.File)
	if err != nil {
		return nil, err
	}
	p := &processes{r: r, file: file, khz: hosted.MeasureTSC()}
	if r.opt.Files != nil {
		if err := p.provideFiles(); err != nil {
			p.close()
			return nil, err
		}
	}
	return p, nil
}

// provideFiles makes the tree that the cores see.
func (p *processes) provideFiles() (err error) {
	if err := p.file.TryIsolation(); err != nil {
		return err
	}
	p.files, err = files.LayOut(p.r.opt.Files, func(size uint64) (*hostmem.Memory, error) {
		return hostmem.AllocateShared("barreleye-files", size)
	})
	return err
}

func (p *processes) tscKHz() uint64 { return p.khz }

func (p *processes) close() {
	p.file.Close()
	if p.files != nil {
		p.files.Free()
	}
}

// newLife prepares the core's process.
func (p *processes) newLife(c *core) (carrier, error) {
	var bells []int
	for _, to := range p.r.cores {
		bells = append(bells, to.event)
	}
	opt := p.r.opt
	process, err := hosted.New(hosted.Config{
		Core: c.index, Cores: opt.Cores, Life: 1, RAM: opt.Memory, Args: p.r.args(), Env: opt.Env,
		Poll: p.r.poll, Flags: opt.flags(), CPU: p.r.place[c.index], Doorbells: append(bells, p.r.bell),
		Files: p.files, Input: c.index == 0 && opt.Stdin != nil,
	}, p.file, p.r.memory, p.khz)
	if err != nil {
		return nil, err
	}
	return &processLife{process, p.r, c}, nil
}

// feed passes standard input on through a pipe.
func (p *processes) feed() (stop func(), err error) {
	source := p.r.opt.Stdin
	if source == nil {
		return func() {}, nil
	}
	process := p.r.cores[0].life.(*processLife).Process
	go func() {
		if err := process.Feed(source); err != nil {
			p.r.logs.Say("standard input ends here: %v", err)
		}
	}()
	return process.EndInput, nil
}

// processLife is one life of a core as a process.
type processLife struct {
	*hosted.Process
	r *run
	c *core
}

// Run notes the end in the core's block in its place: a process that has ended
// cannot, and nobody else writes there any more.
func (l *processLife) Run() (life.End, error) {
	over := l.r.beginLife(l.c, l)
	end, err := l.Process.Run()
	over()
	if end.Kind == life.Exited && err == nil {
		if end.Code == codeGo {
			l.explain(&end)
		}
		block := l.r.view.Block(l.c.index)
		block.ExitCode.Store(uint64(end.Code))
		block.State.Store(region.StateExited)
	}
	return end, err
}

// clock and delays are those of a worker.
func (l *processLife) clock() (int32, bool) {
	pid := l.PID()
	return int32(^pid)<<3 | clockSched, pid != 0
}

func (l *processLife) delays() string { return fmt.Sprintf("/proc/%d/task/*/schedstat", l.PID()) }

// explain says that the Go runtime ended the program for the use of what is another
// core's or the VMM's, where the process left such a fault in its crash record.
func (l *processLife) explain(end *life.End) {
	v := l.r.view
	k := v.Crash(l.c.index)
	at := k.Address - layout.RegionVA
	if k.Vector != vectorPageFault || at >= v.Size() {
		return
	}
	what, may := v.Find(l.c.index, at)
	verb, wants := "read of ", region.Read
	if k.Error&errorWrite != 0 {
		verb, wants = "write to ", region.ReadWrite
	}
	if may >= wants {
		return // protected for another reason
	}
	regs := machine.FaultRegisters(k)
	*end = life.End{Kind: life.Foreign, Code: end.Code, Detail: verb + what, PC: k.RIP, State: regs.String()}
}

// Of a page fault (SDM vol. 3, 4.7).
const (
	vectorPageFault = 14
	errorWrite      = 2
)

func (l *processLife) Source() observe.Source { return l.Output }

// Exits is of virtual machines only.
func (l *processLife) Exits() uint64 { return 0 }
