package multikernel

import (
	"time"

	"barreleye/devices/clock"

	"golang.org/x/sys/unix"
)

// readClocks reads the TSC and the host's clocks together: of a few tries the
// one in which least time passed.
func readClocks() (tsc, mono, wall uint64) {
	best := ^uint64(0)
	for range 8 {
		var m, w unix.Timespec
		before := clock.TSC()
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &m)
		after := clock.TSC()
		_ = unix.ClockGettime(unix.CLOCK_REALTIME, &w)
		if after-before < best {
			best = after - before
			tsc, mono = before+best/2, uint64(m.Nano())
			wall = uint64(w.Nano()) - mono
		}
	}
	return tsc, mono, wall
}

// when returns the time at which the TSC, of so many kHz, stood at t, which was lately. Of a few
// tries it takes the one in which least time passed between the two readings: this process may
// be held up between any two of them.
func when(t, khz uint64) (at time.Time) {
	best := ^uint64(0)
	for range 8 {
		before := clock.TSC()
		now := time.Now()
		if took := clock.TSC() - before; took < best {
			best = took
			at = now.Add(-time.Duration(float64(before+took/2-t) / float64(khz) * float64(time.Millisecond)))
		}
	}
	return at
}
