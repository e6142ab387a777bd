package cpudriver

import (
	"barreleye/devices/clock"
	"barreleye/devices/layout"
)

// How the Go runtime's CPU profiler gets its samples. It asks for a timer of the process'
// CPU time (setitimer, ITIMER_PROF) whose signal interrupts whoever runs. The driver has
// no timer to spare, so it samples at the tick, which comes only while the program
// computes. Each tick counts for the time since the last one, and what it leaves over
// counts for the next, so that samples stand for as much time as they say.

const (
	timerProf  = 2  // ITIMER_PROF
	maxSampled = 10 // periods that may be left over
)

var (
	samplePeriod uint64 // cycles between two samples, 0 while nobody takes a profile
	sampleCount  uint32 // the timer's count for one
	sampledTo    uint64 // TSC up to which the program's time is accounted for
	unsampled    uint64 // cycles that it has run for which there was no sample yet
)

// sysSetitimer serves setitimer for the profiler. Other timers nobody asks for.
func sysSetitimer(which, new, old uint64) uint64 {
	if which != timerProf {
		unserved(sysSETITIMER)
		return errno(eNOSYS)
	}
	if old != 0 {
		us := nanoseconds(samplePeriod) / 1e3
		for i := range uint64(2) { // interval and value, timeval each
			store64(old+16*i, us/1e6)
			store64(old+16*i+8, us%1e6)
		}
	}
	if new != 0 {
		ns := min(load64(new)*1e9+load64(new+8)*1e3, 1e9) // cyclesOf takes 4 s
		samplePeriod, sampleCount = cyclesOf(ns), uint32(max(ns, minTick)/layout.TimerDivide)
		sampledTo, unsampled = clock.TSC(), 0
	}
	return 0
}

// sampled shortens a tick to what a profile needs. Where there is none there stays none.
func sampled(tick uint32) uint32 {
	if samplePeriod != 0 {
		return min(tick, sampleCount)
	}
	return tick
}

// sampleFrom says that the program runs from now on, after it had nothing to do.
func sampleFrom() {
	if samplePeriod != 0 {
		sampledTo = clock.TSC()
	}
}

// sampleTick has the profiler told where a tick found the program.
func sampleTick() {
	if samplePeriod == 0 {
		return
	}
	now := clock.TSC()
	unsampled = min(unsampled+now-sampledTo, maxSampled*samplePeriod)
	sampledTo = now
	if unsampled >= samplePeriod {
		unsampled -= samplePeriod
		running().post(sigPROF)
	}
}
