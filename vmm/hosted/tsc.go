package hosted

import (
	"time"

	"barreleye/devices/clock"
)

// measureFor is how long the TSC is measured: readings are a few tens of ns off,
// which is some ppm of this.
const measureFor = 3 * time.Millisecond

// MeasureTSC returns the TSC's frequency in kHz, against the host's monotonic
// clock. KVM tells it, Linux alone does not.
func MeasureTSC() uint64 {
	t0, c0 := reading()
	for time.Since(t0) < measureFor {
	}
	t1, c1 := reading()
	return uint64(float64(c1-c0) * 1e6 / float64(t1.Sub(t0).Nanoseconds()))
}

// reading reads both clocks at once: of a few tries the one that took least.
func reading() (at time.Time, tsc uint64) {
	best := ^uint64(0)
	for range 8 {
		before := clock.TSC()
		now := time.Now()
		if took := clock.TSC() - before; took < best {
			best, at, tsc = took, now, before+took/2
		}
	}
	return at, tsc
}
