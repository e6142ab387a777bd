package bench

import (
	"fmt"
	"time"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
)

// manyCores is how many cores idle together in the last row: as many as there can be.
const manyCores = multikernel.MaxCores

// Power measures what a core costs its host in each of its power states, and how
// long it takes to be of use again.
func Power(o Options) (*Report, error) {
	r := o.newReport()
	for _, measure := range []func(*Report) error{o.idleStates, o.off, o.manyIdle} {
		if err := measure(r); err != nil {
			return r, err
		}
	}
	return r, nil
}

// idleStates measures the states in which a core waits for messages.
func (o Options) idleStates(r *Report) error {
	idle, err := builtinImage("idle")
	if err != nil {
		return err
	}
	wake, err := builtinImage("wake")
	if err != nil {
		return err
	}
	for _, state := range []string{multikernel.IdlePoll, multikernel.IdleHalt, multikernel.IdlePark} {
		cores := 4
		if state == multikernel.IdlePoll {
			cores = 1 // each takes a CPU
		}
		o.step("%s: CPU time", state)
		share, err := o.idleCPU(idle, cores, func(opt *multikernel.Options) { opt.Idle = state })
		if err != nil {
			return err
		}
		o.step("%s: wake-up", state)
		gap := "10ms"
		if state == multikernel.IdlePark {
			gap = "60ms" // the VMM parks a core that has slept for up to 40
		}
		console, _, err := o.cores(wake, func(opt *multikernel.Options) { opt.Idle = state },
			"-n", fmt.Sprint(o.rounds(100)), "-min", gap, "-max", gap, "-json")
		if err != nil {
			return err
		}
		var result struct {
			Samples []float64 `json:"samples_ns"`
		}
		if err := coreZero(console, &result); err != nil {
			return err
		}
		r.Rows = append(r.Rows, row("power_cpu", "%", float64(cores), share, nil).with("state", state),
			row("power_wake", "us", 1000, result.Samples, nil).with("state", state))
	}
	return nil
}

// off measures how long it takes from the command that has a core live that does not
// until its program is in main. While it is off there is nothing of it that could cost.
func (o Options) off(r *Report) error {
	idle, err := builtinImage("idle")
	if err != nil {
		return err
	}
	o.step("off: start")
	l, err := o.live(idle, func(*multikernel.Options) {}, "-for", "1h")
	if err != nil {
		return err
	}
	var samples []float64
	for range o.rounds(30) {
		if _, err := l.do(multikernel.Command{Op: multikernel.OpStop, Core: 1}); err != nil {
			return err
		}
		start := time.Now()
		if _, err := l.do(multikernel.Command{Op: multikernel.OpRestart, Core: 1}); err != nil {
			return err
		}
		samples = append(samples, float64(time.Since(start).Nanoseconds()))
	}
	r.Rows = append(r.Rows, row("power_wake", "us", 1000, samples, nil).with("state", "off"))
	return l.end()
}

// manyIdle measures as many cores as there can be, together.
func (o Options) manyIdle(r *Report) error {
	idle, err := builtinImage("idle")
	if err != nil {
		return err
	}
	o.step("%d cores: CPU time", manyCores)
	all, err := o.idleCPU(idle, manyCores, func(opt *multikernel.Options) { opt.Memory = 16 << 20 })
	if err != nil {
		return err
	}
	r.Rows = append(r.Rows, row("power_all_cpu", "%", 1, all, nil).with("cores", fmt.Sprint(manyCores)))
	return nil
}

// idleCPU returns what cores cost that sleep, in percent of a CPU for all of them.
func (o Options) idleCPU(idle *image.Image, cores int, set func(*multikernel.Options)) ([]float64, error) {
	long := time.Second
	if o.Quick || o.few > 0 {
		long = 200 * time.Millisecond
	}
	l, err := o.live(idle, func(opt *multikernel.Options) {
		opt.Cores = cores
		set(opt)
	}, "-for", "1h")
	if err != nil {
		return nil, err
	}
	l.cpu(long) // what a start leaves behind settles
	var samples []float64
	for range 5 {
		samples = append(samples, l.cpu(long))
	}
	return samples, l.end()
}
