package bench

import (
	"fmt"
	"time"

	"barreleye/devices/region"
	"barreleye/vmm/multikernel"
)

// gaps are the times a core sleeps before it is woken. Up to the host's halt
// polling the host has not let go of the CPU yet, and a wake-up is cheap.
var gaps = []struct {
	name   string
	gap    time.Duration
	rounds int
}{
	{"wake_50us", 50 * time.Microsecond, 2000},
	{"wake_1ms", time.Millisecond, 500},
	{"wake_10ms", 10 * time.Millisecond, 100},
}

// turns is how often ours and the minimal guest take turns at each gap.
const turns = 3

// wakeRows measures one way from a store of core 0 to the first instruction
// with the message at hand on core 1, which sleeps: ours through channel,
// doorbell, driver and scheduler; the limit by the minimal guest, or by two
// threads of Linux where cores are processes.
func wakeRows(o Options) ([]Row, error) {
	im, err := builtinImage("wake")
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, g := range gaps {
		n := o.rounds(g.rounds)
		var ours, limit []float64
		for turn := range turns {
			o.step("%s, turn %d of %d", g.name, turn+1, turns)
			console, report, err := o.cores(im, func(opt *multikernel.Options) { opt.Poll = "0s" },
				"-n", fmt.Sprint(n), "-min", g.gap.String(), "-max", g.gap.String(), "-json")
			if err != nil {
				return rows, err
			}
			var result struct {
				Samples []float64 `json:"samples_ns"`
			}
			if err := coreZero(console, &result); err != nil {
				return rows, err
			}
			ours = append(ours, result.Samples...)
			m, err := o.leastWakes(g.gap, n, report.TSCKHz)
			if err != nil {
				return rows, err
			}
			limit = append(limit, m...)
		}
		rows = append(rows, row(g.name, "us", 1000, ours, limit).of(o.leastWaker()))
	}
	return rows, nil
}

// leastWaker names what the wake-ups are compared with.
func (o Options) leastWaker() string {
	if o.onKVM() {
		return "minimal_guest"
	}
	return "eventfd"
}

// leastWakes returns the ns one way of the least that can sleep and be woken.
func (o Options) leastWakes(gap time.Duration, n int, khz uint64) ([]float64, error) {
	if o.onKVM() {
		return o.minimalWakes(gap, n, khz)
	}
	return threadWakes(gap, n, khz)
}

// minimalWakes runs the minimal guest and returns ns one way.
func (o Options) minimalWakes(gap time.Duration, n int, khz uint64) ([]float64, error) {
	lines, ring := scratch(region.DefaultGeometry(2))
	cycles := uint64(gap.Nanoseconds()) * khz / 1_000_000
	im, err := minimalImage(lines, lines+64, ring, cycles, n)
	if err != nil {
		return nil, err
	}
	var samples []float64
	_, _, err = o.cores(im, func(opt *multikernel.Options) {
		opt.Tick = 0
		opt.Inspect = func(v *region.View) { samples = minimalResults(v, n) }
	})
	for i := range samples {
		samples[i] *= 1e6 / float64(khz)
	}
	return samples, err
}
