package multikernel

import (
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
