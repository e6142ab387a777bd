package urpc

// Latencies of a bulk channel: the time from just before an index is published
// until the receiver has seen it, or a later one. An index is overwritten by the
// next, so a bit in it cannot say that it has a stamp. It says whether the number
// of stamps is odd: the receiver finds it changed when there is one to take. So
// there is one on the way at most.

// indexOdd is the index's bit that says so.
const indexOdd = 1 << 54

// bulkSampler is the sender's half.
type bulkSampler struct {
	sampler
	at uint64 // line from which on the next index has a stamp
}

// stamp stamps the index that tells of n lines, some of them for the first time, if
// it is time, and returns that index's bit.
func (s *bulkSampler) stamp(n, lines uint64) (odd uint64) {
	if s == nil {
		return 0
	}
	if n > s.at {
		free := s.onTheWay() == 0
		now := timestamp()
		if free {
			s.sampler.stamp(n-1, now, lines)
		}
		s.at = s.next(n-1, now)
	}
	return s.odd()
}

// odd is the bit for an index without a new stamp.
func (s *bulkSampler) odd() uint64 {
	if s == nil {
		return 0
	}
	return s.number % 2 * indexOdd
}

// soon has the next index stamped: lines are rare.
func (s *bulkSampler) soon(n uint64) {
	if s != nil {
		s.extra = s.extra || n < s.at
		s.at = min(n, s.at)
	}
}

// indexSeen takes the stamp that index w tells of, which is new and tells of lines
// before end.
func (r *recorder) indexSeen(w, first, end uint64) {
	if r != nil && w&indexOdd/indexOdd != r.stats.Latency.Taken%2 {
		r.record(first, end)
	}
}
