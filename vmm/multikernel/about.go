package multikernel

import (
	"math"
	"time"

	"barreleye/devices/clock"
	"barreleye/vmm/life"
)

// about returns what is known of a core, whether it lives or not.
func (r *run) about(c *core) CoreReport {
	cr := coreReport(r.view, c.index)
	cr.CPU = r.place[c.index]
	cr.ResidentKiB = c.life.ResidentKiB()
	cr.Exits = cr.Rings
	if t := r.view.Block(c.index).MainTSC.Load(); t != 0 {
		since := float64(clock.TSC()-t) / float64(r.report.TSCKHz)
		cr.BootMS = math.Round(1000*(r.since(time.Now())-since)) / 1000
	}
	if !c.over {
		return cr // its exits to user space are its thread's to count
	}
	cr.Exits += c.life.Exits()
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
	return cr
}

// obeyed reports whether a core ended because it was asked to: the VMM stopped
// it, or its program let the signal end it.
func (r *run) obeyed(c *core) bool {
	return c.end.Kind == life.Stopped && !c.killed ||
		c.end.Kind == life.Exited && r.stop != nil && r.stop.Signal != 0 && c.end.Code == 128+int(r.stop.Signal)
}
