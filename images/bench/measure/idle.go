package measure

import (
	"context"
	"time"

	"barreleye/urpc"
)

// Idle measures how long a message takes to a goroutine that waits for any of many
// channels of which all but one are silent. At a gap of 50 us its core still polls;
// after 1 ms it has halted.
func (s *Side) Idle(rounds int) {
	for _, channels := range []int{0, 10, 100, 1000} {
		ends := []*urpc.Receiver{s.Conn.Receiver}
		for range channels {
			conn, err := s.NewConn(urpc.MinLines)
			must(err)
			ends = append(ends, conn.Receiver)
		}
		many := urpc.NewSelect(context.Background(), ends...)
		for _, gap := range []string{"50us", "1ms"} {
			idle := series("idle_channels", 1, "", "channels", channels, "gap", gap)
			d, err := time.ParseDuration(gap)
			must(err)
			s.meet()
			if s.Me == 0 {
				idle.Samples = s.sendAfter(d, rounds)
			} else {
				s.answerFrom(many, rounds)
			}
			s.Series = append(s.Series, idle)
		}
		must(many.Close())
	}
}

// sendAfter sends messages, each so long after the answer to the last one, and
// returns the ns from each to its reader.
func (s *Side) sendAfter(gap time.Duration, n int) []float64 {
	ctx := context.Background()
	samples := make([]float64, 0, n)
	for i := range uint64(n) {
		for start := s.Clock(); s.Nanoseconds(s.Clock()-start) < float64(gap.Nanoseconds()); {
			urpc.Pause()
		}
		sent := s.Clock()
		m := urpc.Message{Type: 1, Len: urpc.MaxPayload, Words: [urpc.WordCount]uint64{0: i, 6: i}}
		must(s.Conn.Send(ctx, &m))
		must(s.Conn.Recv(ctx, &m))
		check(&m, i)
		samples = append(samples, tenths(s.Nanoseconds(m.Words[1]-sent)))
	}
	return samples
}

// answerFrom answers n messages with the time at which it had them.
func (s *Side) answerFrom(many *urpc.Select, n int) {
	var m urpc.Message
	for i := range uint64(n) {
		for {
			err := s.Conn.TryRecv(&m)
			if err == nil {
				break
			}
			if err != urpc.ErrEmpty {
				panic(err)
			}
			must(many.Wait())
		}
		m.Words[1] = s.Clock()
		check(&m, i)
		must(s.Conn.Send(context.Background(), &m))
	}
}
