package multikernel

import (
	"fmt"
	"io"

	"barreleye/devices/layout"
	"barreleye/devices/region"
	"barreleye/vmm/files"
	"barreleye/vmm/hosted"
	"barreleye/vmm/hostmem"
	"barreleye/vmm/image"
	"barreleye/vmm/life"
	"barreleye/vmm/machine"
	"barreleye/vmm/observe"
	"barreleye/vmm/sandbox"
)

// processes is the platform on which each core is a Linux process.
type processes struct {
	r     *run
	files *hostmem.Memory // file tree, nil for none
	input *pump           // standard input, nil for none
	khz   uint64
}

func newProcesses(r *run) (*processes, error) {
	p := &processes{r: r, khz: hosted.MeasureTSC()}
	if r.opt.Stdin != nil {
		p.input = newPump(r.opt.Stdin)
	}
	if r.opt.Files != nil {
		if err := p.provideFiles(); err != nil {
			p.close()
			return nil, err
		}
	}
	return p, nil
}

// load puts an image's ELF file into memory.
func (p *processes) load(im *image.Image) (io.Closer, error) {
	if im.File == nil {
		return nil, fmt.Errorf("run: image %s is no ELF file and runs on KVM only: use --platform kvm", im.Name)
	}
	return hosted.NewFile(im.Name, im.File)
}

// provideFiles makes the tree that the cores see.
func (p *processes) provideFiles() (err error) {
	file, err := hosted.NewFile(p.r.opt.Image.Name, p.r.opt.Image.File)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := file.TryIsolation(); err != nil {
		return err
	}
	p.files, err = files.LayOut(p.r.opt.Files, func(size uint64) (*hostmem.Memory, error) {
		return hostmem.AllocateShared("barreleye-files", size)
	})
	return err
}

func (p *processes) tscKHz() uint64 { return p.khz }

func (p *processes) close() {
	if p.files != nil {
		p.files.Free()
	}
}

// newLife prepares a process.
func (p *processes) newLife(b birth) (carrier, error) {
	var bells []int
	for _, to := range p.r.cores {
		bells = append(bells, to.event)
	}
	opt := p.r.opt
	var confine func() error
	if opt.Confined {
		confine = sandbox.Core
	}
	process, err := hosted.New(hosted.Config{
		Core: b.core, Cores: b.cores, Life: b.life, RAM: opt.Memory, MaxRAM: max(opt.Memory, opt.MaxMemory), Args: p.r.args(b.program), Env: opt.Env,
		Poll: b.poll, Flags: opt.flags(), CPU: b.cpu, Doorbells: append(bells, p.r.bell),
		Files: p.files, Input: b.core == 0 && p.input != nil, Confine: confine,
	}, b.program.loaded.(*hosted.File), p.r.memory, p.khz)
	if err != nil {
		return nil, err
	}
	return &processLife{process, p, p.r.cores[b.core], b.life}, nil
}

// feed has nothing to do: each life of core 0 takes the standard input through a pipe
// of its own.
func (p *processes) feed() (stop func(), err error) { return func() {}, nil }

// processLife is one life of a core as a process.
type processLife struct {
	*hosted.Process
	p      *processes
	c      *core
	number uint64
}

// Run notes the end in the core's block in its place: a process that has ended
// cannot, and nobody else writes there any more.
func (l *processLife) Run() (life.End, error) {
	if l.HasInput() {
		over := make(chan struct{})
		defer close(over)
		defer l.EndInput()
		go func() {
			if err := l.Feed(l.p.input.until(over)); err != nil {
				l.p.r.tell(func() { l.p.r.logs.Say("standard input ends here: %v", err) })
			}
		}()
	}
	over := l.p.r.beginLife(l.c, l.number, l)
	end, err := l.Process.Run()
	over()
	if end.Kind == life.Exited && err == nil {
		if end.Code == codeGo {
			l.explain(&end)
		}
		block := l.p.r.view.Block(l.c.index)
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
	v := l.p.r.view
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
