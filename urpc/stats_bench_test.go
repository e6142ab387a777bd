package urpc

import (
	"context"
	"testing"
)

// BenchmarkLatency runs the same ends over the same memory without samples and
// with them, in turns as BenchmarkRatio does, and reports what is then called the
// limit, ours, and their ratio.
//
//	go test -run - -bench Latency -benchtime 1x ./urpc
func BenchmarkLatency(b *testing.B) {
	ctx := context.Background()
	link := awake()
	link.Latency = true
	// each side of a pair is told by the thread that uses it
	turns := func(off, on func(), f func(n uint64)) (without, with func(first, n uint64)) {
		return func(_, n uint64) { off(); f(n) }, func(_, n uint64) { on(); f(n) }
	}
	b.Run("RingRoundTrip", func(b *testing.B) {
		near, far := connPair(b, 64, link, link)
		ask, askTimed := turns(near.Sender.unsampled, near.Sender.resample, func(n uint64) {
			askMany(b, n, func(m *Message) error {
				if err := near.TrySend(m); err != nil {
					return err
				}
				return near.Recv(ctx, m)
			})
		})
		serve, serveTimed := turns(far.Sender.unsampled, far.Sender.resample, func(n uint64) {
			serveMany(b, n, func(m *Message) error { return far.Recv(ctx, m) }, far.TrySend)
		})
		compare(b, 20_000, half{ask, serve}, half{askTimed, serveTimed})
	})
	b.Run("Stream", func(b *testing.B) {
		near, far := connPair(b, 4096, link, link)
		drainAll := func(_, n uint64) { drain(b, near.Receiver, n) }
		send, sendTimed := turns(far.Sender.unsampled, far.Sender.resample, func(n uint64) { pour(far.Sender, n) })
		compare(b, 1_000_000, half{drainAll, send}, half{drainAll, sendTimed})
	})
	b.Run("Bulk", func(b *testing.B) {
		near, far := bulkDuplex(b, 4096, link, link)
		drainAll := func(_, n uint64) { drainBulk(b, near.BulkReceiver, n) }
		sampler := far.BulkSender.sampler
		send, sendTimed := turns(func() { sampler.at = never }, func() { sampler.at = far.BulkSender.next }, func(n uint64) { pourBulk(far.BulkSender, n) })
		compare(b, 1_000_000, half{drainAll, send}, half{drainAll, sendTimed})
	})
	b.Run("StreamBatch", func(b *testing.B) {
		near, far := connPair(b, 4096, link, link)
		drainAll := func(_, n uint64) { drainBatch(b, near.Receiver, n) }
		send, sendTimed := turns(far.Sender.unsampled, far.Sender.resample, func(n uint64) { pourBatch(far.Sender, n) })
		compare(b, 1_000_000, half{drainAll, send}, half{drainAll, sendTimed})
	})
}

// unsampled stops the samples, resample has the next message stamped and goes on.
func (s *Sender) unsampled() { s.sample(never) }
func (s *Sender) resample()  { s.sample(s.next) }
