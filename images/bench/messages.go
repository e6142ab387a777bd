package main

import (
	"fmt"

	"barreleye/guest"
	"barreleye/images/bench/measure"
)

// pairs are the parts in which cores 0 and 1 measure, and others do nothing.
var pairs = map[string]func(s *measure.Side){
	"urpc":     func(s *measure.Side) { s.Base(*rounds, "") },
	"each":     func(s *measure.Side) { s.Each(*rounds, "") },
	"inflight": func(s *measure.Side) { s.InFlight(*rounds) },
	"calls":    func(s *measure.Side) { s.Calls(*rounds) },
	"payload":  func(s *measure.Side) { s.Payload(*rounds) },
	"bulk":     func(s *measure.Side) { s.Bulk(*rounds, "") },
	"ringsize": func(s *measure.Side) { s.RingSizes(*rounds, "cores") },
	"stream":   func(s *measure.Side) { s.PayloadStream(*rounds, "cores") },
}

// between measures between cores 0 and 1.
func between(part func(*measure.Side)) ([]*measure.Series, error) {
	if guest.Cores() < 2 {
		return nil, fmt.Errorf("needs two cores: use --cores 2")
	}
	if guest.Core() > 1 {
		return nil, nil
	}
	s, err := side(guest.Core())
	if err != nil {
		return nil, err
	}
	opens(s)
	part(s)
	return s.Series, nil
}

// side makes this core's side: the program's channel and call line between the
// two cores, and memory that belongs to no channel.
func side(me int) (*measure.Side, error) {
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
	if s.Ring, s.Lines, err = guest.Scratch(0); err != nil {
		return nil, err
	}
	_, s.Gate, err = guest.Scratch(1)
	return s, err
}
