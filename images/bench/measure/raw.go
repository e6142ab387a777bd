package measure

import "barreleye/urpc/limit"

// The limits. Each kind numbers its messages on, from 1, so that none takes what
// an earlier round left in memory for its own.

// rawCall calls over the very line of ours: how long a line takes between two cores
// depends on where in the cache it has its home. Afterwards the line is put back.
func (s *Side) rawCall(n uint64) {
	if s.Me == 1 {
		s.callOver(s.CallLine, n)
		return
	}
	was := *s.CallLine
	s.callOver(s.CallLine, n)
	*s.CallLine = was
}

// rawCallApart is the same where a round is too short to put a line back.
func (s *Side) rawCallApart(n uint64) { s.callOver(&s.Lines[0], n) }

func (s *Side) callOver(line *limit.Line, n uint64) {
	if s.Me == 0 {
		limit.SameLineCall(line, s.first+1, n)
	} else {
		limit.SameLineServe(line, s.first+1, n)
	}
	s.first += n
}

// rawRing is a round trip over two lines, each round over others, as a ring goes on
// from line to line.
func (s *Side) rawRing(n uint64) {
	s.pair++
	s.ringOver(&s.Lines[2+2*(s.pair%8)], &s.Lines[42+2*(s.pair%11)], n)
}

// rawRingApart is the same where the sides do not divide messages into rounds alike.
func (s *Side) rawRingApart(n uint64) { s.ringOver(&s.Lines[2], &s.Lines[42], n) }

func (s *Side) ringOver(there, back *limit.Line, n uint64) {
	if s.Me == 0 {
		limit.TwoLineCall(there, back, s.two+1, n)
	} else {
		limit.TwoLineServe(back, there, s.two+1, n)
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
