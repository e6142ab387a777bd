package machine

import (
	"time"

	"barreleye/vmm/life"

	"golang.org/x/sys/unix"
)

// threadClock makes the clock of a thread's CPU time (clock_getcpuclockid(3),
// include/linux/posix-timers.h: the inverted number, and CPUCLOCK_PERTHREAD |
// CPUCLOCK_SCHED below it).
func threadClock(thread int) int32 { return int32(^thread<<3) | 4 | 2 }

// CPUTime returns how much CPU time the vCPU's thread has had, the guest's
// included; ok is false while it is not in Run, or is debugged: then what it does with
// it is its debugger's business.
func (m *Machine) CPUTime() (d time.Duration, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.thread == 0 || m.debugger != nil {
		return 0, false
	}
	var ts unix.Timespec
	if err := unix.ClockGettime(threadClock(m.thread), &ts); err != nil {
		return 0, false
	}
	return time.Duration(ts.Nano()), true
}

// Condemn makes Run return with life.Stuck, at once and for good. detail says
// why, in a few words.
func (m *Machine) Condemn(detail string) {
	m.mu.Lock()
	m.condemned = detail
	m.mu.Unlock()
	m.Stop()
}

// stop is how a life ends that was stopped. mu is not held.
func (m *Machine) stop() life.End {
	m.mu.Lock()
	detail := m.condemned
	m.mu.Unlock()
	if detail != "" {
		return m.end(life.Stuck, detail)
	}
	return m.end(life.Stopped, "")
}
