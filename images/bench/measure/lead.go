package measure

import (
	"fmt"

	"barreleye/urpc"
)

// Work is something that both sides do together, n messages of it at a time.
type Work struct {
	Name string // as Go names benchmarks: Call/of=limit
	Do   func(n uint64)
}

// Works is what Go benchmarks measure, the same list on both sides. Side 0 leads,
// side 1 follows.
func (s *Side) Works() []Work {
	list := []Work{
		{"Call/of=limit", s.rawCall},
		{"Call/of=ours", s.call},
		{"Ring/of=limit", s.rawRing},
		{"Ring/of=ours", s.roundTrip(urpc.MaxPayload)},
	}
	for n := 4; n <= 64; n *= 4 {
		list = append(list, Work{fmt.Sprintf("InFlight/inflight=%d", n), s.pipelined(uint64(n))})
	}
	for lines := 64; lines <= urpc.MaxLines; lines *= 16 {
		conn := s.ring(lines)
		bulk := s.bulk(lines)
		name := fmt.Sprintf("Stream/lines=%d/profile=", lines)
		list = append(list,
			Work{name + "latency/of=limit", s.rawStream(lines)}, Work{name + "latency/of=ours", s.oneWay(conn)},
			Work{name + "bulk/of=limit", s.rawVector(lines)}, Work{name + "bulk/of=ours", s.blocks(bulk)})
	}
	return list
}

// Lead has both sides do n messages of entry i of Works, and returns when both
// are through. With a negative i it ends Follow.
func (s *Side) Lead(works []Work, i int, n uint64) {
	order := &s.Gate[0]
	order.Words[1], order.Words[2] = uint64(i), n // seen by whoever sees the step of meet
	s.meet()
	if i >= 0 {
		works[i].Do(n)
		s.meet()
	}
}

// Follow does what Lead says on the other side, until that ends it.
func (s *Side) Follow(works []Work) {
	order := &s.Gate[0]
	for {
		s.meet()
		i, n := int(order.Words[1]), order.Words[2]
		if i < 0 {
			return
		}
		works[i].Do(n)
		s.meet()
	}
}
