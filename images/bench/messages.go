package main

import (
	"fmt"

	"barreleye/guest"
	"barreleye/images/bench/cores"
	"barreleye/images/bench/measure"
)

// pairs are the parts in which cores 0 and 1 measure, and others do nothing.
var pairs = map[string]func(s *measure.Side){
	"urpc":     func(s *measure.Side) { s.Base(*rounds, "") },
	"each":     func(s *measure.Side) { s.Each(*rounds, "") },
	"inflight": func(s *measure.Side) { s.InFlight(*rounds) },
	"calls":    func(s *measure.Side) { s.Calls(*rounds) },
	"payload":  func(s *measure.Side) { s.Payload(*rounds) },
	"idle":     func(s *measure.Side) { s.Idle(*rounds) },
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
	s, err := cores.Side()
	if err != nil {
		return nil, err
	}
	part(s)
	return s.Series, nil
}
