package urpc

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"sync/atomic"

	"barreleye/urpc/limit"
)

// BenchmarkRatio runs the limit and ours in turns, in rounds of a millisecond or
// so on the same two threads, and reports the lower quartile of each and their
// ratio: the comparison that a busy machine spoils least.
//
//	go test -run - -bench Ratio -benchtime 1x ./urpc
func BenchmarkRatio(b *testing.B) {
	ctx := context.Background()
	b.Run("Call", func(b *testing.B) {
		line := &limitLines(guarded(b, LineSize))[0]
		client, server := callPair(b, guarded(b, 3*pageSize), awake(), awake())
		compare(b, 5000,
			half{func(first, n uint64) { limit.SameLineCall(line, first, n) },
				func(first, n uint64) { limit.SameLineServe(line, first, n) }},
			half{func(first, n uint64) { askMany(b, n, func(m *Message) error { return client.Call(ctx, m) }) },
				func(first, n uint64) {
					serveMany(b, n, func(m *Message) error { return server.Accept(ctx, m) }, server.Reply)
				}})
	})
	for _, flush := range []bool{false, true} {
		b.Run(fmt.Sprintf("RingRoundTrip/flush=%v", flush), func(b *testing.B) {
			lines := limitLines(guarded(b, 2*pageSize))
			near, far := connPair(b, 64, awake(), awake())
			send := func(c *Conn, m *Message) error { return c.TrySend(m) }
			if flush {
				send = func(c *Conn, m *Message) error { return c.Send(ctx, m) }
			}
			compare(b, 3000,
				half{func(first, n uint64) { limit.TwoLineCall(&lines[0], &lines[64], first, n) },
					func(first, n uint64) { limit.TwoLineServe(&lines[64], &lines[0], first, n) }},
				half{func(first, n uint64) {
					askMany(b, n, func(m *Message) error {
						if err := send(near, m); err != nil {
							return err
						}
						return near.Recv(ctx, m)
					})
				}, func(first, n uint64) {
					serveMany(b, n, func(m *Message) error { return far.Recv(ctx, m) },
						func(m *Message) error { return send(far, m) })
				}})
		})
	}
	for _, size := range streamSizes {
		b.Run(fmt.Sprintf("Bulk/lines=%d", size), func(b *testing.B) {
			ring := limitLines(guarded(b, RingBytes(size)))
			words := wordsOf(guarded(b, pageSize))
			sender, receiver := bulkPair(b, size, awake(), awake())
			compare(b, 100000,
				half{func(first, n uint64) {
					limit.VectorRead(&ring[0], uint64(size), &words[0], &words[64], first, n, VectorBytes())
				},
					func(first, n uint64) {
						limit.VectorWrite(&ring[0], uint64(size), &words[0], &words[64], first, n, VectorBytes())
					}},
				half{func(first, n uint64) { drainBulk(b, receiver, n) }, func(first, n uint64) { pourBulk(sender, n) }})
		})
		b.Run(fmt.Sprintf("BulkCopy/lines=%d", size), func(b *testing.B) {
			ring := limitLines(guarded(b, RingBytes(size)))
			words := wordsOf(guarded(b, pageSize))
			sender, receiver := bulkPair(b, size, awake(), awake())
			compare(b, 100000,
				half{func(first, n uint64) {
					limit.VectorRead(&ring[0], uint64(size), &words[0], &words[64], first, n, VectorBytes())
				},
					func(first, n uint64) {
						limit.VectorWrite(&ring[0], uint64(size), &words[0], &words[64], first, n, VectorBytes())
					}},
				half{func(first, n uint64) { drainCopies(b, receiver, n) }, func(first, n uint64) { pourCopies(sender, n) }})
		})
		b.Run(fmt.Sprintf("StreamBatch/lines=%d", size), func(b *testing.B) {
			ring := limitLines(guarded(b, RingBytes(size)))
			ack := wordsOf(guarded(b, pageSize))
			sender, receiver := ringPair(b, size, awake(), awake())
			compare(b, 100000,
				half{func(first, n uint64) { limit.StreamRead(&ring[0], uint64(size), &ack[0], first, n) },
					func(first, n uint64) { limit.StreamWrite(&ring[0], uint64(size), &ack[0], first, n) }},
				half{func(first, n uint64) { drainBatch(b, receiver, n) }, func(first, n uint64) { pourBatch(sender, n) }})
		})
		b.Run(fmt.Sprintf("Stream/lines=%d", size), func(b *testing.B) {
			ring := limitLines(guarded(b, RingBytes(size)))
			ack := wordsOf(guarded(b, pageSize))
			sender, receiver := ringPair(b, size, awake(), awake())
			compare(b, 100000,
				half{func(first, n uint64) { limit.StreamRead(&ring[0], uint64(size), &ack[0], first, n) },
					func(first, n uint64) { limit.StreamWrite(&ring[0], uint64(size), &ack[0], first, n) }},
				half{func(first, n uint64) { drain(b, receiver, n) }, func(first, n uint64) { pour(sender, n) }})
		})
	}
}

// half is what each of two threads does for n messages, the first of them being
// number first, from 1.
type half struct{ near, far func(first, n uint64) }

// compare runs 200 rounds of each in turns and reports ns per message.
func compare(b *testing.B, n uint64, limits, ours half) {
	const rounds = 200
	var gate atomic.Uint64
	var times [2][]float64
	each := func(f func(i int, first uint64)) {
		for r := range uint64(rounds) {
			f(0, r*n+1)
			f(1, r*n+1)
		}
	}
	halves := [2]half{limits, ours}
	onTwoCPUs(b, func() {
		var opened uint64
		each(func(i int, first uint64) {
			opened += 2
			for gate.Load() != opened-1 { // far is ready
			}
			gate.Store(opened)
			start := time.Now()
			halves[i].near(first, n)
			times[i] = append(times[i], float64(time.Since(start).Nanoseconds())/float64(n))
		})
	}, func() {
		var opened uint64
		each(func(i int, first uint64) {
			opened += 2
			gate.Store(opened - 1)
			for gate.Load() != opened {
			}
			halves[i].far(first, n)
		})
	})
	var quartile [2]float64
	for i, t := range times {
		slices.Sort(t)
		quartile[i] = t[len(t)/4]
	}
	b.ReportMetric(0, "ns/op") // meaningless here; 0 hides it
	b.ReportMetric(quartile[0], "limit-ns")
	b.ReportMetric(quartile[1], "ours-ns")
	b.ReportMetric(times[0][0], "limit-min")
	b.ReportMetric(times[1][0], "ours-min")
	b.ReportMetric(quartile[1]/quartile[0], "ratio")
}
