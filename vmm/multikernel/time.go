package multikernel

import (
	"sync"
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

// nominalKHz estimates the TSC's frequency once, by the host's clock.
var nominalKHz = sync.OnceValue(func() uint64 {
	t0, m0, _ := readClocks()
	for m := m0; m-m0 < uint64(time.Millisecond); {
		_, m, _ = readClocks()
	}
	t1, m1, _ := readClocks()
	return (t1 - t0) * 1_000_000 / (m1 - m0)
})
