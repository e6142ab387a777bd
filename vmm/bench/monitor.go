package bench

import (
	"fmt"

	"barreleye/images/bench/measure"
	"barreleye/vmm/multikernel"
)

// Monitor measures what the monitors agree on, as the program of core 0 waits for it.
func Monitor(o Options) (*Report, error) {
	r := o.newReport()
	im, err := builtinImage("bench")
	if err != nil {
		return r, err
	}
	transfer, err := o.transfers()
	if err != nil {
		return r, err
	}
	for _, cores := range []int{1, 2, 4, 8} {
		o.step("monitors of %d cores", cores)
		all, err := o.series(im, func(opt *multikernel.Options) {
			opt.Cores, opt.Pin, opt.Poll = cores, "auto", "auto"
		}, o.rounds(25), "monitor")
		if err != nil {
			return r, err
		}
		for _, s := range all {
			if s.Name != "monitor_messages" {
				r.Rows = append(r.Rows, usRow(s))
				continue
			}
			if cores == 2 {
				// a message there and one back: each line is taken by its reader and taken
				// back by its next writer
				for _, ns := range transfer {
					s.Limit = append(s.Limit, 4*ns)
				}
				s.LimitOf = "4 line transfers"
			}
			r.Rows = append(r.Rows, usRow(s).kind(Limit))
		}
	}
	o.step("up to 1,024 simulated cores")
	r.Simulated, err = simulated(r)
	return r, err
}

// transfers returns what it takes for a cache line to come from another core, in ns.
func (o Options) transfers() (ns []float64, err error) {
	o.step("line transfers")
	all, err := o.guests("urpc", 2, o.rounds(101))
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if s.Name == "call" { // answered in the request's line
			for _, two := range s.Limit {
				ns = append(ns, two/2)
			}
			return ns, nil
		}
	}
	return nil, fmt.Errorf("bench: the cores did not measure a call: report it")
}

// usRow is seriesRow in us.
func usRow(s *measure.Series) Row {
	r := row(s.Name, "us", 1e3, s.Samples, s.Limit).per(s.Per).of(s.LimitOf)
	r.Allocs = s.Allocs
	for _, p := range s.Params {
		r = r.with(p[0], p[1])
	}
	return r
}
