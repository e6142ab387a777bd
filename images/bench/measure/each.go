package measure

import (
	"math"
	"slices"

	"barreleye/urpc"
)

// eachBlock is how many messages of each kind are timed one by one, before it is
// the next kind's turn.
const eachBlock = 50

// Each times every call and every round trip by itself: a distribution, where the
// means of Base hide what single messages meet. The clock's own time is taken off.
func (s *Side) Each(blocks int, suffix string) {
	own := s.clockCost()
	for _, p := range []pattern{
		{Series: series("call_each"+suffix, 1, "same_line"), ours: s.call, limit: s.rawCallApart},
		{Series: series("ring_each"+suffix, 1, "two_line"), ours: s.roundTrip(urpc.MaxPayload), limit: s.rawRingApart},
	} {
		p.Samples, p.Limit = make([]float64, 0, blocks*eachBlock), make([]float64, 0, blocks*eachBlock)
		for range blocks {
			p.Limit = s.each(p.Limit, own, p.limit)
			p.Samples = s.each(p.Samples, own, p.ours)
		}
		p.Allocs = s.allocs(eachBlock*10, p.ours)
		s.Series = append(s.Series, p.Series)
	}
}

// each times a block of messages one by one.
func (s *Side) each(samples []float64, own uint64, f func(n uint64)) []float64 {
	s.meet()
	if s.Me == 1 {
		f(eachBlock)
		return samples
	}
	for range eachBlock {
		start := s.Clock()
		f(1)
		cycles := s.Clock() - start
		samples = append(samples, tenths(s.Nanoseconds(cycles-min(own, cycles))))
	}
	return samples
}

// clockCost is the median of what two readings of the clock differ by.
func (s *Side) clockCost() uint64 {
	var d [1001]uint64
	for i := range d {
		start := s.Clock()
		d[i] = s.Clock() - start
	}
	slices.Sort(d[:])
	return d[len(d)/2]
}

// tenths rounds to tenths of a ns, which many samples print shorter.
func tenths(ns float64) float64 { return math.Round(10*ns) / 10 }
