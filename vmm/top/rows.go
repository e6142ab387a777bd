// Package top shows on a terminal what the cores of a run that lives do, as top(1) does
// of processes: what each used between the last two looks. Where the figures come from is
// its caller's to say.
package top

import (
	"time"

	"barreleye/vmm/multikernel"
)

// row is one core between two looks.
type row struct {
	multikernel.CoreReport
	state          string  // with the power state
	busy, steal    float64 // percent of a CPU
	sent, received float64 // messages per second
	ticks, halts   float64 // per second
}

// rows compares two reports. Without an earlier one, or where a core has begun a new life
// since, it counts from that life's beginning: nil makes all figures of the first look
// those since the start.
func rows(before, now *multikernel.Report) []row {
	last := map[int]multikernel.CoreReport{}
	since := 0.0
	if before != nil {
		since = before.UpMS
		for _, c := range before.Cores {
			last[c.Core] = c
		}
	}
	// of the run's own clock: how long the answers were under way does not count
	seconds := (now.UpMS - since) / 1000
	list := make([]row, len(now.Cores))
	for i, c := range now.Cores {
		was := last[c.Core]
		all := was // CPU time is of all lives
		if was.Life != c.Life {
			was = multikernel.CoreReport{}
		}
		r := row{CoreReport: c, state: c.State}
		if c.State == "running" && c.Power != "" {
			r.state += "/" + c.Power
		}
		if seconds > 0 {
			percent := func(ns, before int64) float64 { return max(0, float64(ns-before)/float64(time.Second)/seconds*100) }
			r.busy, r.steal = percent(c.CPUNS, all.CPUNS), percent(c.StealNS, all.StealNS)
			rate := func(n, before uint64) float64 { return max(0, float64(n)-float64(before)) / seconds }
			r.sent, r.received = rate(c.Sent, was.Sent), rate(c.Received, was.Received)
			r.ticks, r.halts = rate(c.Ticks, was.Ticks), rate(c.Halts, was.Halts)
		}
		list[i] = r
	}
	return list
}
