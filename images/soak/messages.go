package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"barreleye/guest"
	"barreleye/urpc"
)

const (
	typeWork = 1
	typeLast = 2 // nothing follows
)

// exchange starts the message traffic with every other core: over the channel
// of each pair the lower-numbered core sends bursts, which the other returns
// changed; on the call lines each calls the other. It returns the number of
// messages that went there and back.
func (s *soak) exchange() (*atomic.Uint64, error) {
	n := new(atomic.Uint64)
	ctx := context.Background()
	if err := guest.WaitPeers(ctx); err != nil {
		return nil, err
	}
	for peer := range guest.Cores() {
		if peer == guest.Core() {
			continue
		}
		ring, err := guest.Channel(peer)
		if err != nil {
			return nil, err
		}
		client, err := guest.Client(peer)
		if err != nil {
			return nil, err
		}
		server, err := guest.Server(peer)
		if err != nil {
			return nil, err
		}
		task := func(name string, do func(*rand.Rand) error) {
			name = fmt.Sprintf("%s core %d", name, peer)
			s.wg.Go(func() {
				if err := do(s.rand(name)); err != nil {
					s.fail(name, err)
				}
			})
		}
		if guest.Core() < peer {
			task("bursts to", func(r *rand.Rand) error { return s.bursts(ctx, ring, n, r) })
		} else {
			task("bursts from", func(*rand.Rand) error { return echo(ctx, ring.Recv, ring.Send) })
		}
		task("calls to", func(r *rand.Rand) error { return s.calls(ctx, client, n, r) })
		task("calls from", func(*rand.Rand) error {
			return echo(ctx, server.Accept, func(_ context.Context, m *urpc.Message) error { return server.Reply(m) })
		})
	}
	return n, nil
}

// bursts sends up to 500 messages at once and checks what comes back.
func (s *soak) bursts(ctx context.Context, ring *urpc.Conn, n *atomic.Uint64, r *rand.Rand) error {
	sent, back := uint64(0), uint64(0)
	for last := false; !last; {
		last = s.over()
		burst := 1 + r.Uint64N(500)
		for i := range burst {
			m := content(sent)
			if last && i == burst-1 {
				m.Type = typeLast
			}
			if err := ring.Send(ctx, &m); err != nil {
				return fmt.Errorf("message %d: %w", sent, err)
			}
			sent++
		}
		for ; back < sent; back++ {
			var m urpc.Message
			if err := ring.Recv(ctx, &m); err != nil {
				return fmt.Errorf("answer %d: %w", back, err)
			}
			if err := wantAnswer(back, m); err != nil {
				return err
			}
		}
		n.Add(burst)
		rest(r)
	}
	return nil
}

// calls calls the peer and checks its answers.
func (s *soak) calls(ctx context.Context, client *urpc.CallClient, n *atomic.Uint64, r *rand.Rand) error {
	for i := uint64(0); ; i++ {
		m := content(i)
		last := s.over()
		if last {
			m.Type = typeLast
		}
		if err := client.Call(ctx, &m); err != nil {
			return fmt.Errorf("call %d: %w", i, err)
		}
		if err := wantAnswer(i, m); err != nil {
			return err
		}
		n.Add(1)
		if last {
			return nil
		}
		if i%16 == 0 {
			rest(r)
		}
	}
}

// rest lets gaps of all lengths come up, so that peers are found polling,
// about to sleep and asleep.
func rest(r *rand.Rand) {
	switch r.IntN(8) {
	case 0:
		time.Sleep(time.Duration(r.IntN(3000)) * time.Microsecond)
	case 1, 2:
		time.Sleep(time.Duration(r.IntN(200)) * time.Microsecond)
	}
}

// echo returns messages changed until the last one; it checks each of them.
func echo(ctx context.Context, take, give func(context.Context, *urpc.Message) error) error {
	for i := uint64(0); ; i++ {
		var m urpc.Message
		if err := take(ctx, &m); err != nil {
			return fmt.Errorf("message %d: %w", i, err)
		}
		want := content(i)
		want.Type = m.Type
		if m != want {
			return fmt.Errorf("message %d reads %v, want %v", i, m, want)
		}
		m = answer(i, m.Type)
		if err := give(ctx, &m); err != nil {
			return fmt.Errorf("answer %d: %w", i, err)
		}
		if m.Type == typeLast {
			return nil
		}
	}
}

// content is message i.
func content(i uint64) urpc.Message {
	m := urpc.Message{Type: typeWork, Len: uint8(8 * (1 + i%urpc.WordCount))}
	x := i
	for w := range m.Words {
		x = x*6364136223846793005 + 1442695040888963407
		m.Words[w] = x
	}
	return m
}

// answer is what comes back for message i.
func answer(i uint64, kind uint16) urpc.Message {
	m := content(^i)
	m.Type = kind
	return m
}

func wantAnswer(i uint64, m urpc.Message) error {
	if want := answer(i, m.Type); m != want {
		return fmt.Errorf("answer %d reads %v, want %v", i, m, want)
	}
	return nil
}
