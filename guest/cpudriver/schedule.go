package cpudriver

import (
	"barreleye/devices/region"
	"barreleye/urpc/trace"
)

// schedule makes the next runnable context current, round robin but where
// dispatchers have shares. Where there is none it idles until an event makes one.
func schedule() {
	if divided {
		scheduleShared()
		return
	}
	start := int((addressOf(running()) - addressOf(&contexts[0])) / contextSize)
	for {
		settle()
		unfinished := false
		for i := 1; i <= contextsTop; i++ {
			c := &contexts[(start+i)%contextsTop]
			if c.state == again {
				dispatch(c)
				unfinished = unfinished || c.state == again
			}
			if c.state == runnable {
				if i != contextsTop {
					counters().Switches++
					trace.Event(trace.Switch, c.tid, running().tid)
				}
				setCurrent(c)
				return
			}
		}
		if !unfinished {
			idle()
			sampleFrom()
		}
	}
}

// settle turns what happened outside into runnable contexts: expired
// deadlines, ready descriptors, room in the log, input, signals from the VMM.
func settle() {
	lookAtSome()
	takeSignals()
	var now uint64
	for i := 0; i < contextsTop; i++ {
		c := &contexts[i]
		switch c.state {
		case inPoll:
			if c.progress != fileEvents {
				c.progress = fileEvents
				if n := collect(c.wait, c.rsi, c.rdx); n != 0 {
					c.resume(n)
					continue
				}
			}
		case onLog:
			if inbox().LogTail.Load() != c.wait {
				c.state = again
			}
			continue
		case onInput:
			if reader.Arrived(view.Input()) {
				c.state = again
			}
			continue
		case inFutex, asleep, onReceive:
		default:
			continue
		}
		if c.deadline == forever {
			continue
		}
		if now == 0 {
			now = monotonic()
		}
		if c.deadline <= now {
			result := uint64(0)
			switch c.state {
			case inFutex:
				result = errno(eTIMEDOUT)
			case onReceive:
				result = UpcallTimer
			}
			c.resume(result)
		}
	}
}

// nearest returns the earliest deadline of all contexts and whether it is one
// the program waits for: the runtime's own monitor thread sleeps on a futex
// with a timeout even where nothing is left to happen.
func nearest() (deadline uint64, awaited bool) {
	deadline = forever
	for i := 0; i < contextsTop; i++ {
		c := &contexts[i]
		if c.state != inFutex && c.state != asleep && c.state != inPoll && c.state != onReceive || c.deadline == forever {
			continue
		}
		deadline = min(deadline, c.deadline)
		awaited = awaited || c.state != inFutex
	}
	return deadline, awaited
}

// waitsIn reports whether a thread is in the given state.
func waitsIn(state uint64) bool {
	for i := 0; i < contextsTop; i++ {
		if contexts[i].state == state {
			return true
		}
	}
	return false
}

// exitCore ends this core in good order and does not return.
func exitCore(code uint64) {
	b := block()
	b.ExitCode.Store(code)
	snapshot(0)
	b.State.Store(region.StateExited)
	powerOff(powerExit)
}
