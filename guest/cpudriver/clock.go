package cpudriver

import "barreleye/devices/clock"

const (
	clockRealtime        = 0
	clockMonotonic       = 1
	clockRealtimeCoarse  = 5
	clockMonotonicCoarse = 6
	clockBoottime        = 7
)

// bootNS is CLOCK_MONOTONIC when the driver was set up.
var bootNS uint64

func clockPage() *clock.Page { return view.Clock() }

// monotonic returns CLOCK_MONOTONIC in ns, the same in all cores.
func monotonic() uint64 {
	p, tsc := clockPage().Now()
	return p.Monotonic(tsc)
}

// after returns the deadline ns from now.
func after(ns uint64) uint64 {
	now := monotonic()
	if now+ns < now {
		return forever
	}
	return now + ns
}

// sysClockGettime serves clock_gettime without a trap.
func sysClockGettime(id, result uint64) uint64 {
	p, tsc := clockPage().Now()
	ns := p.Monotonic(tsc)
	switch id {
	case clockMonotonic:
		ns = told(ns)
	case clockRealtime, clockRealtimeCoarse:
		ns += p.Wall
	case clockMonotonicCoarse, clockBoottime, 4: // 4: CLOCK_MONOTONIC_RAW
	case 2, 3: // CPU time of process and thread: the core's time since boot
		ns -= bootNS
	default:
		return errno(eINVAL)
	}
	store64(result, ns/1e9)
	store64(result+8, ns%1e9)
	return 0
}
