package bench

import (
	"fmt"
	"time"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
)

// live is a run that is measured from outside while its cores live.
type live struct {
	commands chan multikernel.Command
	ended    chan error
}

// live runs an image, and returns once all of its cores are in main.
func (o Options) live(im *image.Image, set func(*multikernel.Options), args ...string) (*live, error) {
	l := &live{make(chan multikernel.Command), make(chan error, 1)}
	cores := 0
	go func() {
		_, _, err := o.cores(im, func(opt *multikernel.Options) {
			set(opt)
			opt.Commands, cores = l.commands, opt.Cores
		}, args...)
		l.ended <- err
	}()
	for {
		r, err := l.do(multikernel.Command{Op: multikernel.OpStatus})
		if err != nil {
			return nil, err
		}
		up := 0
		for _, c := range r.Status.Cores {
			if c.BootMS > 0 {
				up++
			}
		}
		if up == cores {
			return l, nil
		}
		time.Sleep(time.Millisecond) // it has told nobody that it would tell
	}
}

// do has the run obey a command.
func (l *live) do(c multikernel.Command) (multikernel.Reply, error) {
	reply := make(chan multikernel.Reply, 1)
	c.Reply = reply
	select {
	case l.commands <- c:
	case err := <-l.ended:
		return multikernel.Reply{}, fmt.Errorf("bench: the cores ended while they were measured: %v: report it", err)
	}
	r := <-reply
	return r, r.Err
}

// cpu returns what the cores and the VMM use while d passes, in percent of a CPU.
func (l *live) cpu(d time.Duration) float64 {
	before, start := processCPU(), time.Now()
	time.Sleep(d)
	return 100 * (processCPU() - before) / time.Since(start).Seconds()
}

// end ends the run.
func (l *live) end() error {
	if _, err := l.do(multikernel.Command{Op: multikernel.OpShutdown}); err != nil {
		return err
	}
	return <-l.ended
}
