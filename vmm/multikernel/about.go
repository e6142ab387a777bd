package multikernel

import (
	"math"
	"time"

	"barreleye/devices/clock"
	"barreleye/vmm/machine"
)

// about returns what is known of a core, whether it lives or not.
func (r *run) about(c *core) CoreReport {
	cr := coreReport(r.view, c.index)
	cr.CPU = r.place[c.index]
	cr.ResidentKiB = c.machine.ResidentKiB()
	cr.Exits = cr.Rings
	if t := r.view.Block(c.index).MainTSC.Load(); t != 0 {
		since := float64(clock.TSC()-t) / float64(c.machine.TSCKHz())
		cr.BootMS = math.Round(1000*(r.since(time.Now())-since)) / 1000
	}
	if !c.over {
		return cr // its exits to user space are its thread's to count
	}
	cr.Exits += c.machine.Exits
	if cr.ExitCode = r.exitCode(c); cr.ExitCode != 0 {
		cr.Error = r.describe(c)
	}
	if c.end.Kind == machine.EndStopped && c.err == nil {
		cr.State = "stopped"
	} else if c.end.Kind != machine.EndExit || c.err != nil {
		cr.State = "crashed"
	}
	return cr
}
