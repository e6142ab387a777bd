package multikernel

import (
	"fmt"

	"barreleye/devices/region"
	"barreleye/vmm/hosted"
	"barreleye/vmm/life"
	"barreleye/vmm/observe"
)

// processes is the platform on which each core is a Linux process.
type processes struct {
	r    *run
	file *hosted.File
	khz  uint64
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
	return &processes{r: r, file: file, khz: hosted.MeasureTSC()}, nil
}

func (p *processes) tscKHz() uint64 { return p.khz }
func (p *processes) close()         { p.file.Close() }

// newLife prepares the core's process.
func (p *processes) newLife(c *core) (carrier, error) {
	var bells []int
	for _, to := range p.r.cores {
		bells = append(bells, to.event)
	}
	opt := p.r.opt
	process, err := hosted.New(hosted.Config{
		Core: c.index, Cores: opt.Cores, Life: 1, RAM: opt.Memory, Args: p.r.args(), Env: opt.Env,
		Poll: p.r.poll, CPU: p.r.place[c.index], Doorbells: append(bells, p.r.bell),
	}, p.file, p.r.memory, p.khz)
	if err != nil {
		return nil, err
	}
	return &processLife{process, p.r.view.Block(c.index)}, nil
}

// processLife is one life of a core as a process.
type processLife struct {
	*hosted.Process
	block *region.Block
}

// Run notes the end in the core's block in its place: a process that has ended
// cannot, and nobody else writes there any more.
func (l *processLife) Run() (life.End, error) {
	end, err := l.Process.Run()
	if end.Kind == life.Exited && err == nil {
		l.block.ExitCode.Store(uint64(end.Code))
		l.block.State.Store(region.StateExited)
	}
	return end, err
}

func (l *processLife) Source() observe.Source { return l.Output }

// Exits is of virtual machines only.
func (l *processLife) Exits() uint64 { return 0 }
