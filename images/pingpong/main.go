// Pingpong measures a message's round trip between core 0 and core 1: once as
// a call, which is answered in the request's own line, and once over the ring
// of a channel. Every message and every answer is checked. Further cores only
// greet the others and end.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"

	"barreleye/guest"
	"barreleye/urpc"
)

const (
	typeBall = 1
	typeLast = 2 // the server stops after this one
)

func main() {
	n := flag.Int("n", 50_000, "round trips of each kind")
	flag.Parse()
	if err := play(*n); err != nil {
		fmt.Fprintf(os.Stderr, "pingpong: core %d: %v\n", guest.Core(), err)
		os.Exit(1)
	}
}

func play(n int) error {
	if guest.Cores() < 2 || n < 1 {
		return fmt.Errorf("%d cores, -n %d: pingpong needs 2 cores (--cores 2) and one round at least", guest.Cores(), n)
	}
	if err := guest.WaitPeers(context.Background()); err != nil {
		return err
	}
	switch guest.Core() {
	case 0:
		return serve(n)
	case 1:
		return answer()
	}
	return nil
}

// serve is core 0's part.
func serve(n int) error {
	ctx := context.Background()
	client, err := guest.Client(1)
	if err != nil {
		return err
	}
	if err := measure("call", n, func(m *urpc.Message) error { return client.Call(ctx, m) }); err != nil {
		return err
	}
	ring, err := guest.Channel(1)
	if err != nil {
		return err
	}
	return measure("ring", n, func(m *urpc.Message) error {
		if err := ring.TrySend(m); err != nil {
			return err
		}
		return ring.Recv(ctx, m)
	})
}

// measure plays n rounds, after a tenth more to warm up, and prints how long
// they took.
func measure(name string, n int, round func(*urpc.Message) error) error {
	warm := n / 10
	took := make([]uint64, 0, n)
	for i := range warm + n {
		m := ball(uint64(i))
		if i == warm+n-1 {
			m.Type = typeLast
		}
		want := returned(m)
		t := guest.TSC()
		if err := round(&m); err != nil {
			return fmt.Errorf("%s: round %d: %w", name, i, err)
		}
		t = guest.TSC() - t
		if m != want {
			return fmt.Errorf("%s: round %d: answer %v, want %v", name, i, m, want)
		}
		if i >= warm {
			took = append(took, t)
		}
	}
	slices.Sort(took)
	median, p99 := took[len(took)/2], took[len(took)*99/100]
	fmt.Printf("%s: %d round trips: median %.0f ns (%d cycles), p99 %.0f ns (%d cycles)\n",
		name, n, guest.Nanoseconds(median), median, guest.Nanoseconds(p99), p99)
	return nil
}

// answer is core 1's part: every ball goes back, first calls, then ring.
func answer() error {
	ctx := context.Background()
	server, err := guest.Server(0)
	if err != nil {
		return err
	}
	if err := back("call", func(m *urpc.Message) error { return server.Accept(ctx, m) }, server.Reply); err != nil {
		return err
	}
	ring, err := guest.Channel(0)
	if err != nil {
		return err
	}
	return back("ring",
		func(m *urpc.Message) error { return ring.Recv(ctx, m) },
		func(m *urpc.Message) error { return ring.Send(ctx, m) })
}

func back(name string, take, give func(*urpc.Message) error) error {
	for i := uint64(0); ; i++ {
		var m urpc.Message
		if err := take(&m); err != nil {
			return fmt.Errorf("%s: round %d: %w", name, i, err)
		}
		last := m.Type == typeLast
		want := ball(i)
		want.Type = m.Type
		if m != want {
			return fmt.Errorf("%s: round %d: got %v, want %v", name, i, m, want)
		}
		m = returned(m)
		if err := give(&m); err != nil {
			return fmt.Errorf("%s: round %d: %w", name, i, err)
		}
		if last {
			return nil
		}
	}
}

// ball is the message of round i.
func ball(i uint64) urpc.Message {
	m := urpc.Message{Type: typeBall, Len: urpc.MaxPayload}
	for w := range m.Words {
		m.Words[w] = (i + uint64(w)) * 0x9e3779b97f4a7c15
	}
	return m
}

// returned is what comes back for m.
func returned(m urpc.Message) urpc.Message {
	for w := range m.Words {
		m.Words[w] = ^m.Words[w]
	}
	return m
}
