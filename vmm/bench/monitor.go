package bench

import (
	"fmt"
	"slices"
	"time"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
)

// Monitor measures what the monitors agree on, as the program of core 0 waits for it.
func Monitor(o Options) (*Report, error) {
	r := o.newReport()
	im, err := builtinImage("names")
	if err != nil {
		return r, err
	}
	for _, cores := range []int{2, 4, 8} {
		if err := o.agreed(r, im, cores); err != nil {
			return r, err
		}
	}
	return r, nil
}

// agreedSamples is what the image names prints.
type agreedSamples struct {
	Lookup    []float64 `json:"lookup_ns"`
	Publish   []float64 `json:"publish_ns"`
	Lock      []float64 `json:"lock_ns"`
	Pipelined []float64 `json:"pipelined_ns"`
	Bind      []float64 `json:"bind_ns"`
	Round     []float64 `json:"round_ns"`
}

// agreed measures with that many cores. The limit is what the messages of an operation
// cost: between the programs of two cores, one round trip for one phase, two for two.
func (o Options) agreed(r *Report, im *image.Image, cores int) error {
	var all agreedSamples
	for turn := range turns {
		o.step("%d cores, turn %d of %d", cores, turn+1, turns)
		console, _, err := o.cores(im, func(opt *multikernel.Options) {
			opt.Cores, opt.Pin, opt.Poll = cores, "auto", "auto"
		}, "-n", fmt.Sprint(o.rounds(500)), "measure")
		if err != nil {
			return err
		}
		var one agreedSamples
		if err := coreZero(console, &one); err != nil {
			return err
		}
		all.Lookup = append(all.Lookup, one.Lookup...)
		all.Publish = append(all.Publish, one.Publish...)
		all.Lock = append(all.Lock, one.Lock...)
		all.Pipelined = append(all.Pipelined, one.Pipelined...)
		all.Bind = append(all.Bind, one.Bind...)
		all.Round = append(all.Round, one.Round...)
	}
	twice := slices.Clone(all.Round)
	for i := range twice {
		twice[i] *= 2
	}
	const us = float64(time.Microsecond)
	for _, f := range []struct {
		name           string
		samples, limit []float64
	}{
		{"monitor_lookup", all.Lookup, nil},
		{"monitor_one_phase", all.Publish, all.Round},
		{"monitor_two_phases", all.Lock, twice},
		{"monitor_two_phases_16", all.Pipelined, nil},
		{"monitor_bind", all.Bind, all.Round},
	} {
		one := row(f.name, "us", us, f.samples, f.limit).with("cores", fmt.Sprint(cores))
		if f.limit != nil {
			one = one.of("messages")
		}
		r.Rows = append(r.Rows, one)
	}
	return nil
}
