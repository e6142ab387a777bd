package bench

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"barreleye/devices/clock"
	"barreleye/devices/region"
	"barreleye/images/bench/measure"
	"barreleye/urpc"
	"barreleye/urpc/limit"
	"barreleye/urpc/pages"
)

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
	ring, lines, gate := make([]limit.Line, urpc.MaxLines), make([]limit.Line, 64), make([]limit.Line, 64)
	for me := range sides {
		sides[me] = &measure.Side{
			Me: me, Ring: ring, Lines: lines, Gate: gate,
			Clock:       clock.TSC,
			Nanoseconds: func(cycles uint64) float64 { return float64(cycles) * 1e6 / khz },
		}
	}
	link := urpc.Link{Epoch: 1, Bell: &urpc.Bell{Asleep: new(uint64), Ring: func() { panic("rang a core that never sleeps") }}}
	var shared threadMemory
	for me, s := range sides {
		opened := 0
		s.Open = func(lines int) (own, peer urpc.Side, _ urpc.Link, err error) {
			memory, err := shared.at(opened, lines)
			opened++
			return memory[me], memory[1-me], link, err
		}
		s.OpenPages = func() (*pages.Pool, error) {
			core, err := pages.NewCore(pages.Config{Self: me, Cores: len(sides), Memory: shared.pool})
			if err != nil {
				return nil, err
			}
			conn, err := s.NewConn(region.PageLines)
			if err != nil {
				return nil, err
			}
			return core.Pool(1-me, conn)
		}
		if s.Conn, err = s.NewConn(measure.BaseLines); err != nil {
			return sides, err
		}
	}
	return sides, threadCalls(&sides, link)
}

// threadMemory is the memory of the channels that both sides open in the same
// order.
type threadMemory struct {
	mu    sync.Mutex
	sides [][2]urpc.Side
	pages []byte
}

// pool returns the pool of pages of the two sides, as large as that of cores.
func (t *threadMemory) pool(int, int) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pages == nil {
		t.pages = make([]byte, region.Geometry{Cores: 2}.PairPages()*pages.PageSize)
	}
	return t.pages, nil
}

// at returns the memory of the i-th channel, which the first side to come makes.
func (t *threadMemory) at(i, lines int) (sides [2]urpc.Side, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i < len(t.sides) {
		return t.sides[i], nil
	}
	for me := range sides {
		if sides[me], err = urpc.SideOf(make([]byte, urpc.SideBytes(lines)), lines); err != nil {
			return sides, err
		}
	}
	t.sides = append(t.sides, sides)
	return sides, nil
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
	sides[0].CallLine, sides[1].CallLine = limitLine(line), limitLine(line)
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
