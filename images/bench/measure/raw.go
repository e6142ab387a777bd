package measure

import "barreleye/urpc/limit"

// The limits. Each kind numbers its messages on, from 1, so that none takes what
// an earlier round left in memory for its own.

func (s *Side) rawCall(n uint64) {
	if s.Me == 0 {
		limit.SameLineCall(&s.Lines[0], s.first+1, n)
	} else {
		limit.SameLineServe(&s.Lines[0], s.first+1, n)
	}
	s.first += n
}

func (s *Side) rawRing(n uint64) {
	if s.Me == 0 {
		limit.TwoLineCall(&s.Lines[8], &s.Lines[16], s.two+1, n)
	} else {
		limit.TwoLineServe(&s.Lines[16], &s.Lines[8], s.two+1, n)
	}
	s.two += n
}

// rawStream streams through a ring of so many lines.
func (s *Side) rawStream(lines int) func(n uint64) {
	lines = min(lines, len(s.Ring))
	return func(n uint64) {
		ack := &s.Lines[24].Words[0]
		if s.Me == 0 {
			limit.StreamWrite(&s.Ring[0], uint64(lines), ack, s.raw+1, n)
		} else {
			limit.StreamRead(&s.Ring[0], uint64(lines), ack, s.raw+1, n)
		}
		s.raw += n
	}
}
