// Package cores makes the two sides of package measure on cores 0 and 1. Its Go
// benchmarks run there:
//
//	barreleye test --cores 2 -run - -bench . ./images/bench/cores
package cores

import (
	"barreleye/guest"
	"barreleye/images/bench/measure"
)

// Side makes this core's side: the program's channel and call line between the
// two cores, and memory that belongs to no channel.
func Side() (*measure.Side, error) {
	me := guest.Core()
	s := &measure.Side{Me: me, Clock: guest.TSC, Nanoseconds: guest.Nanoseconds}
	var err error
	if s.Conn, err = guest.Channel(1 - me); err != nil {
		return nil, err
	}
	if me == 0 {
		s.Client, err = guest.Client(1)
	} else {
		s.Server, err = guest.Server(0)
	}
	if err != nil {
		return nil, err
	}
	if s.CallLine, err = guest.CallLine(0, 1); err != nil {
		return nil, err
	}
	ring, lines, err := guest.Scratch(0, 1)
	if err != nil {
		return nil, err
	}
	half := len(lines) / 2
	s.Ring, s.Lines, s.Gate = ring, lines[:half], lines[half:]
	opens(s)
	return s, nil
}
