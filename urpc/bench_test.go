package urpc

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"barreleye/urpc/limit"
)

// Benchmarks of the ends, each beside what assembly does with the same pattern on
// the same CPUs (BenchmarkLimit...). Quote the ratio, not the figure. Every
// message is checked. Both cores poll for ever, but have bells, so that fences
// and loads are paid as in real use.

// awake is a link to a core that never sleeps.
func awake() Link {
	return Link{Epoch: 1, Bell: &Bell{Asleep: new(uint64), Ring: func() { panic("rang an awake core") }}}
}

// check fails the benchmark from either thread.
func check(b *testing.B, err error, m *Message, want uint64) {
	if err != nil || m.Words[0] != want || m.Words[6] != want || m.Len != MaxPayload {
		wrong(b, err, m, want)
	}
}

//go:noinline
func wrong(b *testing.B, err error, m *Message, want uint64) {
	b.Errorf("message %d: %v, %v", want, m, err)
	panic("wrong message")
}

var streamSizes = []int{16, 64, 256, 1024, 4096, 16384}

func BenchmarkLimitCall(b *testing.B) {
	line := &limitLines(guarded(b, LineSize))[0]
	n := uint64(b.N)
	onTwoCPUs(b,
		func() { limit.SameLineCall(line, 1, n) },
		func() { limit.SameLineServe(line, 1, n) })
}

func BenchmarkCall(b *testing.B) {
	client, server := callPair(b, guarded(b, 3*pageSize), awake(), awake())
	ctx := context.Background()
	n := uint64(b.N)
	onTwoCPUs(b,
		func() { askMany(b, n, func(m *Message) error { return client.Call(ctx, m) }) },
		func() {
			serveMany(b, n, func(m *Message) error { return server.Accept(ctx, m) }, server.Reply)
		})
}

// askMany does n calls and checks that each answer is the request plus one.
func askMany(b *testing.B, n uint64, call func(*Message) error) {
	m := Message{Len: MaxPayload}
	for i := range n {
		m.Words[0], m.Words[6] = i, i
		err := call(&m)
		check(b, err, &m, i+1)
	}
}

// serveMany answers n calls by the request plus one.
func serveMany(b *testing.B, n uint64, accept, reply func(*Message) error) {
	var m Message
	for i := range n {
		err := accept(&m)
		check(b, err, &m, i)
		m.Words[0]++
		m.Words[6]++
		if err := reply(&m); err != nil {
			panic(err)
		}
	}
}

func BenchmarkLimitRingRoundTrip(b *testing.B) {
	lines := limitLines(guarded(b, 2*pageSize))
	mine, theirs := &lines[0], &lines[64]
	n := uint64(b.N)
	onTwoCPUs(b,
		func() { limit.TwoLineCall(mine, theirs, 1, n) },
		func() { limit.TwoLineServe(theirs, mine, 1, n) })
}

// BenchmarkRingRoundTrip sends by TrySend and wakes only when no answer comes
// soon; BenchmarkRingRoundTripFlush wakes (fences) for every message.
func BenchmarkRingRoundTrip(b *testing.B)      { benchRoundTrip(b, (*Conn).lazySend) }
func BenchmarkRingRoundTripFlush(b *testing.B) { benchRoundTrip(b, (*Conn).eagerSend) }

func (c *Conn) lazySend(ctx context.Context, m *Message) error  { return c.TrySend(m) }
func (c *Conn) eagerSend(ctx context.Context, m *Message) error { return c.Send(ctx, m) }

func benchRoundTrip(b *testing.B, send func(*Conn, context.Context, *Message) error) {
	near, far := connPair(b, 64, awake(), awake())
	ctx := context.Background()
	n := uint64(b.N)
	onTwoCPUs(b, func() {
		askMany(b, n, func(m *Message) error {
			if err := send(near, ctx, m); err != nil {
				return err
			}
			return near.Recv(ctx, m)
		})
	}, func() {
		serveMany(b, n, func(m *Message) error { return far.Recv(ctx, m) },
			func(m *Message) error { return send(far, ctx, m) })
	})
}

func BenchmarkLimitStream(b *testing.B) {
	for _, size := range streamSizes {
		b.Run(fmt.Sprintf("lines=%d", size), func(b *testing.B) {
			ring := limitLines(guarded(b, RingBytes(size)))
			ack := wordsOf(guarded(b, pageSize))
			n := uint64(b.N)
			onTwoCPUs(b, func() {
				if sum := limit.StreamRead(&ring[0], uint64(size), &ack[0], 1, n); sum != 7*(n*(n+1)/2) {
					b.Errorf("sum %d of %d messages", sum, n)
				}
			}, func() { limit.StreamWrite(&ring[0], uint64(size), &ack[0], 1, n) })
			report(b)
		})
	}
}

// BenchmarkStream sends by TrySend, one Flush per eighth of the ring.
func BenchmarkStream(b *testing.B) {
	for _, size := range streamSizes {
		b.Run(fmt.Sprintf("lines=%d", size), func(b *testing.B) {
			sender, receiver := ringPair(b, size, awake(), awake())
			n := uint64(b.N)
			onTwoCPUs(b, func() { drain(b, receiver, n) }, func() { pour(sender, n) })
			report(b)
		})
	}
}

// pour sends n messages, one Flush per eighth of the ring.
func pour(s *Sender, n uint64) {
	m := Message{Len: MaxPayload}
	for i := range n {
		m.Words[0], m.Words[6] = i, i
		for s.TrySend(&m) != nil {
			pause(1)
		}
		if i&uint64(len(s.ring)/8-1) == 0 {
			s.Flush()
		}
	}
	s.Flush()
}

// drain takes n messages and checks them.
func drain(b *testing.B, r *Receiver, n uint64) {
	var m Message
	for i := range n {
		err := r.TryRecv(&m)
		for err == ErrEmpty {
			pause(1)
			err = r.TryRecv(&m)
		}
		check(b, err, &m, i)
	}
}

// batch is the number of messages per call in the batch benchmarks.
const batch = 32

// pourBatch is pour by batches.
func pourBatch(s *Sender, n uint64) {
	var msgs [batch]Message
	for i := range msgs {
		msgs[i].Len = MaxPayload
	}
	for i := uint64(0); i < n; {
		k := min(batch, n-i)
		for j := range k {
			msgs[j].Words[0], msgs[j].Words[6] = i+j, i+j
		}
		i += k
		for rest := msgs[:k]; len(rest) > 0; {
			sent, err := s.SendBatch(rest)
			rest = rest[sent:]
			if err != nil {
				pause(1)
			}
		}
		if i%uint64(len(s.ring)/8) < batch {
			s.Flush()
		}
	}
	s.Flush()
}

// drainBatch is drain by batches.
func drainBatch(b *testing.B, r *Receiver, n uint64) {
	var msgs [batch]Message
	for i := uint64(0); i < n; {
		k, err := r.RecvBatch(msgs[:min(batch, n-i)])
		if err == ErrEmpty {
			pause(1)
			continue
		}
		for j := range msgs[:k] {
			check(b, err, &msgs[j], i)
			i++
		}
		if k == 0 {
			panic(err)
		}
	}
}

// BenchmarkStreamBatch sends and takes by batches.
func BenchmarkStreamBatch(b *testing.B) {
	for _, size := range streamSizes {
		b.Run(fmt.Sprintf("lines=%d", size), func(b *testing.B) {
			sender, receiver := ringPair(b, size, awake(), awake())
			n := uint64(b.N)
			onTwoCPUs(b, func() { drainBatch(b, receiver, n) }, func() { pourBatch(sender, n) })
			report(b)
		})
	}
}

func BenchmarkLimitBulk(b *testing.B) {
	for _, size := range streamSizes {
		b.Run(fmt.Sprintf("lines=%d", size), func(b *testing.B) {
			ring := limitLines(guarded(b, RingBytes(size)))
			words := wordsOf(guarded(b, pageSize))
			n := uint64(b.N)
			onTwoCPUs(b, func() {
				if sum := limit.VectorRead(&ring[0], uint64(size), &words[0], &words[64], 1, n, VectorBytes()); sum != 8*(n*(n+1)/2) {
					b.Errorf("sum %d of %d messages", sum, n)
				}
			}, func() { limit.VectorWrite(&ring[0], uint64(size), &words[0], &words[64], 1, n, VectorBytes()) })
			report(b)
		})
	}
}

// BenchmarkBulk writes and reads lines in place.
func BenchmarkBulk(b *testing.B) {
	for _, size := range streamSizes {
		b.Run(fmt.Sprintf("lines=%d", size), func(b *testing.B) {
			sender, receiver := bulkPair(b, size, awake(), awake())
			n := uint64(b.N)
			onTwoCPUs(b, func() { drainBulk(b, receiver, n) }, func() { pourBulk(sender, n) })
			report(b)
		})
	}
}

// pourBulk sends n lines, each eight times its number.
func pourBulk(s *BulkSender, n uint64) {
	for i := uint64(0); i < n; {
		lines, err := s.Reserve(int(min(n-i, MaxLines)))
		if err != nil {
			pause(1)
			continue
		}
		for j := range lines {
			l := &lines[j]
			l[0], l[1], l[2], l[3] = i, i, i, i
			l[4], l[5], l[6], l[7] = i, i, i, i
			i++
		}
		s.Commit(len(lines))
	}
	s.Flush()
}

// drainBulk takes n lines and checks them.
func drainBulk(b *testing.B, r *BulkReceiver, n uint64) {
	for i := uint64(0); i < n; {
		lines, err := r.Peek()
		if err != nil && err != ErrEmpty {
			panic(err)
		}
		for j := range lines {
			l := &lines[j]
			if (l[0]^i)|(l[1]^i)|(l[2]^i)|(l[3]^i)|(l[4]^i)|(l[5]^i)|(l[6]^i)|(l[7]^i) != 0 {
				b.Errorf("line %d: %x", i, *l)
				panic("wrong line")
			}
			i++
		}
		if r.Release(len(lines)); len(lines) == 0 {
			pause(1)
		}
	}
}

// copies is the number of lines per call in the benchmarks of bulk by copies.
const copies = 64

// pourCopies is pourBulk by SendBatch; the first and last word of a line are its
// number.
func pourCopies(s *BulkSender, n uint64) {
	var blocks [copies]Block
	for i := uint64(0); i < n; {
		some := blocks[:min(copies, n-i)]
		for j := range some {
			some[j][0], some[j][7] = i, i
			i++
		}
		for len(some) > 0 {
			sent, err := s.SendBatch(some)
			some = some[sent:]
			if err != nil {
				pause(1)
			}
		}
	}
	s.Flush()
}

// drainCopies is drainBulk by RecvBatch.
func drainCopies(b *testing.B, r *BulkReceiver, n uint64) {
	var blocks [copies]Block
	for i := uint64(0); i < n; {
		taken, err := r.RecvBatch(blocks[:min(copies, n-i)])
		if err == ErrEmpty {
			pause(1)
			continue
		} else if err != nil {
			panic(err)
		}
		for j := range blocks[:taken] {
			if l := &blocks[j]; l[0] != i || l[7] != i {
				b.Errorf("line %d: %x", i, *l)
				panic("wrong line")
			}
			i++
		}
	}
}

// report adds the rate of a stream.
func report(b *testing.B) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mmsg/s")
	runtime.GC()
}
