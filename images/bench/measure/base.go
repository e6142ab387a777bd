package measure

import (
	"context"
	"fmt"

	"barreleye/urpc"
)

// How many messages a round of a latency, and one of a stream, has.
const (
	Batch  = 2000
	Stream = 400_000
)

// BaseLines is the length of the ring of a stream that is not about its length.
const BaseLines = 4096

// Base measures a call answered in the request's line, a round trip over two
// rings, and a stream in the latency format. suffix follows the names.
func (s *Side) Base(rounds int, suffix string) {
	s.turns(rounds,
		pattern{Series: series("call"+suffix, Batch, "same_line"), ours: s.call, limit: s.rawCall},
		pattern{Series: series("ring"+suffix, Batch, "two_line"), ours: s.roundTrip(urpc.MaxPayload), limit: s.rawRing},
		pattern{Series: series("stream"+suffix, Stream, "stream_mov"), every: 4, ours: s.oneWay(s.Conn), limit: s.rawStream(BaseLines)})
}

// call does n calls of one line, every answer checked by its first and last
// word. The work between reading a line and writing it is kept short: it is
// when a poll of the other core does harm.
func (s *Side) call(n uint64) {
	ctx := context.Background()
	m := message()
	for i := s.calls; i < s.calls+n; i++ {
		if s.Me == 0 {
			m.Words[0], m.Words[6] = i, i
			must(s.Client.Call(ctx, &m))
			check(&m, i+1)
		} else {
			must(s.Server.Accept(ctx, &m))
			m.Words[0]++
			m.Words[6]++
			must(s.Server.Reply(&m))
		}
	}
	s.calls += n
}

// roundTrip sends n messages with payload bytes and waits for the echo of each.
func (s *Side) roundTrip(payload int) func(n uint64) {
	last := (payload - 1) / 8
	return func(n uint64) {
		ctx := context.Background()
		m := urpc.Message{Type: 1, Len: uint8(payload)}
		for i := s.sent; i < s.sent+n; i++ {
			if s.Me == 0 {
				m.Words[0], m.Words[last] = i, i
				must(s.Conn.TrySend(&m))
				must(s.Conn.Recv(ctx, &m))
				if m.Words[0] != i || m.Words[last] != i || m.Len != uint8(payload) {
					wrong(&m, i)
				}
			} else {
				must(s.Conn.Recv(ctx, &m))
				must(s.Conn.TrySend(&m))
			}
		}
		s.sent += n
	}
}

// batchSize is how many messages of a stream go into one call.
const batchSize = 32

// oneWay streams n messages from side 0 to side 1 by batches, every one checked
// by its first and last word.
func (s *Side) oneWay(conn *urpc.Conn) func(n uint64) {
	return func(n uint64) {
		var batch [batchSize]urpc.Message
		for i := range batch {
			batch[i] = message()
		}
		if s.Me == 0 {
			send(conn, n, &batch)
		} else {
			receive(conn, n, &batch)
		}
	}
}

func send(conn *urpc.Conn, n uint64, batch *[batchSize]urpc.Message) {
	for i := uint64(0); i < n; {
		m := batch[:min(batchSize, n-i)]
		for j := range m {
			m[j].Words[0], m[j].Words[6] = i+uint64(j), i+uint64(j)
		}
		i += uint64(len(m))
		for len(m) > 0 {
			sent, err := conn.SendBatch(m)
			m = m[sent:]
			if err == urpc.ErrFull {
				urpc.Pause()
			} else {
				must(err)
			}
		}
	}
}

func receive(conn *urpc.Conn, n uint64, batch *[batchSize]urpc.Message) {
	for i := uint64(0); i < n; {
		m := batch[:min(batchSize, n-i)]
		taken, err := conn.RecvBatch(m)
		if err != urpc.ErrEmpty {
			must(err)
		}
		for j := range taken {
			check(&m[j], i)
			i++
		}
		if taken < len(m) {
			lag()
		}
	}
}

// lag lets a reader that caught up fall behind again: one that polls the line
// its writer is about to write takes it away each time.
func lag() {
	for range 16 {
		urpc.Pause()
	}
}

// message returns a message of a whole line.
func message() urpc.Message { return urpc.Message{Type: 1, Len: urpc.MaxPayload} }

func check(m *urpc.Message, v uint64) {
	if m.Words[0] != v || m.Words[6] != v {
		wrong(m, v)
	}
}

//go:noinline
func wrong(m *urpc.Message, v uint64) {
	panic(fmt.Sprintf("message of %d bytes reads %x, want %x first and last", m.Len, m.Words, v))
}
