package measure

import (
	"context"

	"barreleye/urpc"
)

// InFlight measures round trips over rings of which so many are under way, as the
// paper does in Table 2: the sender fills the channel, and then sends one message
// for each that it gets back.
func (s *Side) InFlight(rounds int) {
	for n := 1; n <= 64; n *= 2 {
		p := pattern{Series: series("ring_inflight", Batch, "", "inflight", n), ours: s.pipelined(uint64(n))}
		if n == 1 {
			p.LimitOf, p.limit = "two_line", s.rawRing
		}
		s.turns(rounds, p)
	}
}

func (s *Side) pipelined(window uint64) func(n uint64) {
	return func(n uint64) {
		ctx := context.Background()
		m := message()
		if s.Me == 1 {
			for range n {
				must(s.Conn.Recv(ctx, &m))
				must(s.Conn.TrySend(&m))
			}
			return
		}
		for sent, got := uint64(0), uint64(0); got < n; {
			for sent < n && sent-got < window {
				m.Words[0], m.Words[6] = sent, sent
				must(s.Conn.TrySend(&m))
				sent++
			}
			must(s.Conn.Recv(ctx, &m))
			check(&m, got)
			m.Len = urpc.MaxPayload
			got++
		}
	}
}
