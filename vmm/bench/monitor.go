package bench

import (
	"fmt"

	"barreleye/images/bench/measure"
	"barreleye/vmm/multikernel"
)

// monitorRuns are the runs that are measured. From four cores on there is a tree.
var monitorRuns = []struct {
	cores int
	over  string
}{
	{1, multikernel.MonitorsDirect}, {2, multikernel.MonitorsDirect},
	{4, multikernel.MonitorsDirect}, {4, multikernel.MonitorsTree}, {8, multikernel.MonitorsDirect}, {8, multikernel.MonitorsTree},
}

// overTree are the rows of what goes over the tree.
func overTree(all []*measure.Series) (rows []Row) {
	for _, s := range all {
		if r := usRow(s); r.LimitOf != "" && s.Name != "monitor_bind" || r.Params.Get("inflight") != "" {
			rows = append(rows, r.with("over", multikernel.MonitorsTree))
		}
	}
	return rows
}

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
	for _, run := range monitorRuns {
		o.step("monitors of %d cores, %s", run.cores, run.over)
		all, err := o.series(im, func(opt *multikernel.Options) {
			opt.Cores, opt.Pin, opt.Poll, opt.Monitors = run.cores, "auto", "auto", run.over
		}, o.rounds(25), "monitor")
		if err != nil {
			return r, err
		}
		if run.over == multikernel.MonitorsTree {
			r.Rows = append(r.Rows, overTree(all)...)
			continue
		}
		for _, s := range all {
			if s.Name != "monitor_messages" {
				r.Rows = append(r.Rows, usRow(s))
				continue
			}
			if run.cores == 2 {
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
