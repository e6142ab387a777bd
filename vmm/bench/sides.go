package bench

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"barreleye/devices/clock"
	"barreleye/images/bench/measure"
	"barreleye/urpc"
	"barreleye/urpc/limit"
)

// threadLines is the length of the rings between two threads, that between two
// cores.
const threadLines = 4096

// onThreads measures between two threads of this process, each on a CPU of its
// own, over memory of this process. Both poll for ever, but have bells, so that
// they pay for fences as cores do.
func onThreads(part func(*measure.Side)) ([]*measure.Series, error) {
	if runtime.NumCPU() < 2 {
		return nil, fmt.Errorf("bench: one CPU: messages between cores need two: give this process more (taskset, cpuset)")
	}
	sides, err := threadSides()
	if err != nil {
		return nil, err
	}
	// A thread in assembly that waits for the other one cannot be interrupted: a
	// collection that has stopped that one would last for ever.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	far := pinned(1, func() { part(sides[1]) })
	if err := <-pinned(0, func() { part(sides[0]) }); err != nil {
		return nil, err // the other one, if it waits, ends with the command
	}
	return sides[0].Series, <-far
}

// threadSides makes both sides.
func threadSides() (sides [2]*measure.Side, err error) {
	khz := tscKHz()
	ring, lines, gate := make([]limit.Line, threadLines), make([]limit.Line, 64), make([]limit.Line, 64)
	for me := range sides {
		sides[me] = &measure.Side{
			Me: me, Ring: ring, Lines: lines, Gate: gate,
			Clock:       clock.TSC,
			Nanoseconds: func(cycles uint64) float64 { return float64(cycles) * 1e6 / khz },
		}
	}
	link := urpc.Link{Epoch: 1, Bell: &urpc.Bell{Asleep: new(uint64), Ring: func() { panic("rang a core that never sleeps") }}}
	if err := threadConns(&sides, link); err != nil {
		return sides, err
	}
	return sides, threadCalls(&sides, link)
}

// threadConns gives them the two ends of a channel.
func threadConns(sides *[2]*measure.Side, link urpc.Link) error {
	var memory [2]urpc.Side
	for i := range memory {
		var err error
		if memory[i], err = urpc.SideOf(make([]byte, urpc.SideBytes(threadLines)), threadLines); err != nil {
			return err
		}
	}
	for i := range memory {
		var err error
		if sides[i].Conn, err = urpc.NewConn(memory[i], memory[1-i], link); err != nil {
			return err
		}
	}
	return nil
}

// threadCalls gives them the two ends of a call line; page is far enough between
// what is written by different threads.
func threadCalls(sides *[2]*measure.Side, link urpc.Link) error {
	const page = 4096
	memory := make([]byte, 16*page)
	line, err := urpc.LineOf(memory)
	if err != nil {
		return err
	}
	client, err := urpc.ControlOf(memory[page:])
	if err != nil {
		return err
	}
	server, err := urpc.ControlOf(memory[2*page:])
	if err != nil {
		return err
	}
	if sides[0].Client, err = urpc.NewCallClient(line, client, server, link); err != nil {
		return err
	}
	sides[1].Server, err = urpc.NewCallServer(line, server, client, link)
	return err
}

// tscKHz measures the speed of the time-stamp counter.
func tscKHz() float64 {
	start, from := time.Now(), clock.TSC()
	for time.Since(start) < 10*time.Millisecond {
	}
	cycles, d := clock.TSC()-from, time.Since(start)
	return float64(cycles) * 1e6 / float64(d.Nanoseconds())
}
