// Stream sends messages from core 0 to core 1 as fast as the channel takes
// them. The receiver checks the order and the payload of every message, and
// both ends print the rate. Further cores only greet the others and end.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"barreleye/guest"
	"barreleye/urpc"
)

const (
	typeData    = 1
	typeSummary = 2 // from the receiver: messages, sum of all words
)

// batch is how many messages are written before the receiver is woken.
const batch = 64

func main() {
	n := flag.Uint64("n", 2_000_000, "messages")
	flag.Parse()
	if err := run(*n); err != nil {
		fmt.Fprintf(os.Stderr, "stream: core %d: %v\n", guest.Core(), err)
		os.Exit(1)
	}
}

func run(n uint64) error {
	if guest.Cores() < 2 || n < 1 {
		return fmt.Errorf("%d cores, -n %d: stream needs 2 cores (--cores 2) and one message at least", guest.Cores(), n)
	}
	ctx := context.Background()
	if err := guest.WaitPeers(ctx); err != nil {
		return err
	}
	switch guest.Core() {
	case 0:
		return send(ctx, n)
	case 1:
		return receive(ctx, n)
	}
	return nil
}

func send(ctx context.Context, n uint64) error {
	ch, err := guest.Channel(1)
	if err != nil {
		return err
	}
	sum := uint64(0)
	start := time.Now()
	var msgs [batch]urpc.Message
	for seq := uint64(0); seq < n; {
		k := min(batch, n-seq)
		for i := range k {
			fill(&msgs[i], seq+i)
			for _, w := range msgs[i].Words {
				sum += w
			}
		}
		if err := sendAll(ctx, ch, msgs[:k]); err != nil {
			return fmt.Errorf("message %d: %w", seq, err)
		}
		seq += k
	}
	var m urpc.Message
	if err := ch.Recv(ctx, &m); err != nil {
		return fmt.Errorf("summary: %w", err)
	}
	if m.Type != typeSummary || m.Words[0] != n || m.Words[1] != sum {
		return fmt.Errorf("summary of type %d: %d messages, sum %#x; %d were sent, sum %#x", m.Type, m.Words[0], m.Words[1], n, sum)
	}
	report("sent", n, time.Since(start))
	return nil
}

// sendAll sends msgs in order, waiting for room where there is none.
func sendAll(ctx context.Context, ch *urpc.Conn, msgs []urpc.Message) error {
	for len(msgs) > 0 {
		sent, err := ch.SendBatch(msgs)
		msgs = msgs[sent:]
		switch {
		case err == urpc.ErrFull:
			if err := ch.Send(ctx, &msgs[0]); err != nil {
				return err
			}
			msgs = msgs[1:]
		case err != nil:
			return err
		}
	}
	ch.Flush()
	return nil
}

func receive(ctx context.Context, n uint64) error {
	ch, err := guest.Channel(0)
	if err != nil {
		return err
	}
	var msgs [batch]urpc.Message
	sum, seq := uint64(0), uint64(0)
	start := time.Now()
	for seq < n {
		k, err := ch.RecvBatch(msgs[:])
		if err == urpc.ErrEmpty {
			k, err = 1, ch.Recv(ctx, &msgs[0])
		}
		if err != nil {
			return fmt.Errorf("message %d: %w", seq, err)
		}
		for i := range msgs[:k] {
			var want urpc.Message
			fill(&want, seq)
			if msgs[i] != want {
				return fmt.Errorf("message %d reads %v, want %v", seq, msgs[i], want)
			}
			for _, w := range msgs[i].Words {
				sum += w
			}
			seq++
		}
	}
	report("received and checked", n, time.Since(start))
	m := urpc.Message{Type: typeSummary, Len: 16, Words: [urpc.WordCount]uint64{n, sum}}
	return ch.Send(ctx, &m)
}

// fill makes m the message with the given number.
func fill(m *urpc.Message, seq uint64) {
	m.Type, m.Len = typeData, urpc.MaxPayload
	x := seq
	for w := range m.Words {
		m.Words[w] = x
		x = x*6364136223846793005 + 1442695040888963407
	}
}

func report(what string, n uint64, took time.Duration) {
	rate := float64(n) / took.Seconds()
	fmt.Printf("%s %d messages in %v: %.2f million/s, %.0f MB/s of payload\n",
		what, n, took.Round(time.Microsecond), rate/1e6, rate*urpc.MaxPayload/1e6)
}
