package multikernel

import (
	"slices"

	"barreleye/vmm/life"
	"barreleye/vmm/lifecycle"
)

// about returns what is known of a core that has or had a life, or is about to have one.
func (r *run) about(c *core) CoreReport {
	state := r.machine.State(c.index)
	if c.born == nil { // what it had is gone, but for this
		cr := CoreReport{Core: c.index, CPU: r.place[c.index], Maps: []Mapping{}, Lives: []LifeReport{}}
		if c.last != nil {
			cr = *c.last
		}
		switch {
		case state == lifecycle.Building || state == lifecycle.Waiting:
			cr.State = "starting"
		case c.err != nil: // of the next life
			cr.State, cr.ExitCode, cr.Error = "crashed", CodeVMM, r.describe(c)
		}
		return cr
	}
	cr := coreReport(r.view, c.index)
	cr.Life, cr.Image, cr.CPU = c.number, c.born.program.image.Name, c.born.cpu
	cr.ResidentKiB = c.life.ResidentKiB()
	cr.Exits = cr.Rings
	cr.Parks = r.usage[c.index].parks.Load()
	cr.BootMS = r.mainMS(c)
	used, waited := r.usage[c.index].times()
	cr.CPUNS, cr.StealNS = used.Nanoseconds(), waited.Nanoseconds()
	switch {
	case c.over:
		r.aboutEnd(c, &cr)
	case held(c):
		cr.State = "held"
	case state == lifecycle.Parked || state == lifecycle.Stopping:
		cr.State = state.String()
	}
	cr.Lives = append(slices.Clone(c.lives), LifeReport{
		Life: c.number, Image: cr.Image, BeganMS: r.since(c.began), MainMS: cr.BootMS,
		State: cr.State, ExitCode: cr.ExitCode, Error: cr.Error,
	})
	return cr
}

// aboutEnd adds how the core's life ended.
func (r *run) aboutEnd(c *core, cr *CoreReport) {
	cr.Exits += c.life.Exits() // before, they are its thread's to count
	if cr.ExitCode = r.exitCode(c); cr.ExitCode != 0 {
		cr.Error = r.describe(c)
	}
	switch {
	case c.err != nil:
		cr.State = "crashed"
	case r.obeyed(c):
		cr.State = "stopped"
	case c.end.Kind != life.Exited:
		cr.State = "crashed"
	}
}

// cores returns the reports of all cores that there are.
func (r *run) coreReports() (list []CoreReport) {
	for i, c := range r.cores {
		if i < r.seen && r.machine.State(i) != lifecycle.Off || c.last != nil || c.err != nil {
			list = append(list, r.about(c))
		}
	}
	return list
}

// obeyed reports whether a core ended because it was asked to: the VMM stopped
// it, or its program let the signal end it.
func (r *run) obeyed(c *core) bool {
	return c.end.Kind == life.Stopped && !c.killed ||
		c.end.Kind == life.Exited && c.signal != 0 && c.end.Code == 128+int(c.signal)
}
