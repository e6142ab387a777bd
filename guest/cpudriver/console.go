package cpudriver

import (
	"barreleye/devices/clock"
	"barreleye/devices/logring"
)

// writeLog appends the write of n bytes at buffer to the log ring. Where the
// ring is full the calling thread, and only it, waits for the VMM.
func writeLog(c *context, stream byte, buffer, n uint64) uint64 {
	ring := view.Log(coreID)
	for c.progress < n {
		step := min(n-c.progress, logring.MaxText)
		tail := ring.Tail.Load()
		if !ring.Append(stream, clock.TSC(), bytesAt(buffer+c.progress, step)) {
			counters().LogBlocks++
			c.state, c.wait = onLog, tail
			return 0
		}
		c.progress += step
		counters().LogBytes += step
	}
	return n
}

// line builds a log line of the driver's own.
type line struct {
	n int
	b [240]byte
}

func (l *line) text(s string) { l.n += copy(l.b[l.n:], s) }

func (l *line) decimal(v uint64) {
	var d [20]byte
	i := len(d)
	for {
		i--
		d[i] = byte('0' + v%10)
		v /= 10
		if v == 0 {
			break
		}
	}
	l.n += copy(l.b[l.n:], d[i:])
}

// linesLost counts lines that found the ring full; the driver never waits.
var linesLost uint64

// log appends the line to the log, preceded by a note about lines that found
// no room before.
func (l *line) log() {
	ring := view.Log(coreID)
	if linesLost != 0 {
		var lost line
		lost.text("the log was full: lines of the driver missing: ")
		lost.decimal(linesLost)
		lost.text("\n")
		if ring.Append(logring.Driver, clock.TSC(), lost.b[:lost.n]) {
			linesLost = 0
		}
	}
	l.text("\n")
	if !ring.Append(logring.Driver, clock.TSC(), l.b[:l.n]) {
		linesLost++
	}
}
