package urpc

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"barreleye/urpc/seedtest"
)

// TestSelect: three cores send requests in bursts of random length to a fourth,
// which answers all of them from one loop. Every side sleeps again and again.
func TestSelect(t *testing.T) {
	const clients = 3
	eachSetting(t, func(t *testing.T, polls int) {
		seed := seedtest.Seed(t)
		ctx := deadline(t)
		server := newCore(t, new(uint64), delays(seed, 1))
		n := uint64(*rounds) / clients
		errs := make(chan error, clients+1)
		var conns []*Conn
		for i := range uint64(clients) {
			c := newCore(t, new(uint64), delays(seed, 2+i))
			near, far := connPair(t, 64, c.linkTo(server, polls), server.linkTo(c, polls))
			conns = append(conns, far)
			go func() { errs <- bursts(ctx, near, n, rand.New(rand.NewPCG(seed, 10+i))) }()
		}
		go func() { errs <- answerAll(ctx, conns) }()
		for range clients + 1 {
			if err := <-errs; err != nil {
				t.Fatal(err)
			}
		}
		if polls < 0 && server.sleeps() == 0 {
			t.Error("the server never slept")
		}
	})
}

// bursts sends n messages, up to 8 at a time, and wants each back.
func bursts(ctx context.Context, c *Conn, n uint64, rng *rand.Rand) error {
	var m Message
	for sent := uint64(0); sent < n; {
		burst := min(1+rng.Uint64N(8), n-sent)
		for i := range burst {
			fill(&m, sent+i)
			if err := c.Send(ctx, &m); err != nil {
				return fmt.Errorf("send %d: %w", sent+i, err)
			}
		}
		for range burst {
			if err := c.Recv(ctx, &m); err != nil {
				return fmt.Errorf("answer %d: %w", sent, err)
			}
			if err := verify(&m, sent); err != nil {
				return err
			}
			sent++
		}
	}
	c.Close()
	return nil
}

// answerAll returns every message until all peers have closed.
func answerAll(ctx context.Context, conns []*Conn) error {
	var ends []*Receiver
	for _, c := range conns {
		ends = append(ends, c.Receiver)
	}
	s := NewSelect(ctx, ends...)
	var m Message
	for len(conns) > 0 {
		idle := true
		for i := 0; i < len(conns); i++ {
			err := conns[i].TryRecv(&m)
			switch {
			case err == ErrEmpty:
				continue
			case err == ErrClosed:
				s.Drop(conns[i].Receiver)
				conns = append(conns[:i:i], conns[i+1:]...)
				i--
			case err != nil:
				return err
			default:
				// Clients take all answers before they send more, so there is room;
				// to wake them is left to Wait.
				if err := conns[i].TrySend(&m); err != nil {
					return err
				}
			}
			idle = false
		}
		if idle {
			if err := s.Wait(); err != nil {
				return err
			}
		}
	}
	if err := s.Wait(); !errors.Is(err, ErrEmpty) {
		return fmt.Errorf("wait for nothing: %v", err)
	}
	return nil
}

// TestSelectEnds: a wait ends with its context, and with a Sleeper that cannot.
func TestSelectEnds(t *testing.T) {
	here := newCore(t, new(uint64), func() {})
	_, r := ringPair(t, 16, Link{}, Link{Sleeper: here, Polls: -1})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- NewSelect(ctx, r).Wait() }()
	cancel()
	if err := <-ended; err != context.Canceled {
		t.Error(err)
	}
	_, r = ringPair(t, 16, Link{}, Link{Sleeper: noParking{}, Polls: -1})
	if err := NewSelect(context.Background(), r).Wait(); err == nil || err.Error() != "parked" {
		t.Error(err)
	}
}

// TestSelectFlushes: who waits for an answer must have woken the one who gives it.
func TestSelectFlushes(t *testing.T) {
	for _, polls := range []int{-1, 0} {
		asleep, rings := uint64(1), 0
		bell := &Bell{Asleep: &asleep, Ring: func() { rings++ }}
		near, _ := connPair(t, 16, Link{Sleeper: noParking{}, Polls: polls, Bell: bell}, Link{})
		if err := near.TrySend(&Message{}); err != nil {
			t.Fatal(err)
		}
		if err := NewSelect(context.Background(), near.Receiver).Wait(); err == nil || rings != 1 {
			t.Errorf("polls %d: %d rings, %v", polls, rings, err)
		}
	}
}

// TestSelectAllocations: a server parks as often as it runs out of work.
func TestSelectAllocations(t *testing.T) {
	s, r := ringPair(t, 16, awake(), Link{Epoch: awake().Epoch, Polls: -1}) // the sleeper yields
	_, quiet := ringPair(t, 16, awake(), Link{Epoch: awake().Epoch, Polls: -1})
	sel := NewSelect(context.Background(), r, quiet)
	var m Message
	n := testing.AllocsPerRun(1000, func() {
		sel.Wait()
		s.TrySend(&m)
		sel.Wait()
		r.TryRecv(&m)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
