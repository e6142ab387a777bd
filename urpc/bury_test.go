package urpc

import (
	"context"
	"errors"
	"testing"

	"barreleye/urpc/seedtest"
)

// TestBurySide: a peer of a dead core gets what was sent before the death, in
// order, and then ErrClosed; also when it had acknowledged nothing, or the
// ring had wrapped, and when it waits.
func TestBurySide(t *testing.T) {
	for _, sent := range []int{0, 1, 5, 16, 40} {
		a, b := guarded(t, SideBytes(16)), guarded(t, SideBytes(16))
		dead, live := side(t, a, 16), side(t, b, 16)
		link := Link{Epoch: 3}
		from, err := NewConn(dead, live, link)
		if err != nil {
			t.Fatal(err)
		}
		to, err := NewConn(live, dead, link)
		if err != nil {
			t.Fatal(err)
		}
		var m Message
		got := 0
		for i := range sent {
			m.Words[0] = uint64(i)
			for from.TrySend(&m) == ErrFull {
				if err := to.TryRecv(&m); err != nil || m.Words[0] != uint64(got) {
					t.Fatalf("message %d: %v %v", got, m.Words[0], err)
				}
				got++
				m.Words[0] = uint64(i)
			}
		}
		BurySide(dead, live, 3)
		for ; got < sent; got++ {
			if err := to.Recv(context.Background(), &m); err != nil || m.Words[0] != uint64(got) {
				t.Fatalf("%d sent: message %d reads %d, %v", sent, got, m.Words[0], err)
			}
		}
		if err := to.Recv(context.Background(), &m); !errors.Is(err, ErrClosed) {
			t.Errorf("%d sent: after the last message: %v, want ErrClosed", sent, err)
		}
		to.Send(context.Background(), &m) // may still find room
		to.Flush()
		if err := to.TrySend(&m); !errors.Is(err, ErrClosed) {
			t.Errorf("%d sent: send to a dead core: %v, want ErrClosed", sent, err)
		}
	}
}

// TestBuryCall: either end of a call line learns that the other died, whoever's
// turn it was.
func TestBuryCall(t *testing.T) {
	for _, calls := range []int{0, 1, 2} {
		for _, clientDies := range []bool{true, false} {
			mem := guarded(t, 3*LineSize)
			line, _ := LineOf(mem)
			cc, _ := ControlOf(mem[LineSize:])
			sc, _ := ControlOf(mem[2*LineSize:])
			client, _ := NewCallClient(line, cc, sc, Link{Epoch: 1})
			server, _ := NewCallServer(line, sc, cc, Link{Epoch: 1})
			var m Message
			for i := range calls { // the last one stays unanswered
				if err := client.Start(&m); err != nil {
					t.Fatal(err)
				}
				if i == calls-1 {
					break
				}
				if err := errors.Join(server.TryAccept(&m), server.Reply(&m), client.Poll(&m)); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			if clientDies {
				BuryCall(line, cc, true, 1)
				for err == nil {
					if err = server.Accept(context.Background(), &m); err == nil {
						err = server.Reply(&m)
					}
				}
			} else {
				BuryCall(line, sc, false, 1)
				for err == nil {
					err = client.Call(context.Background(), &m)
				}
			}
			if !errors.Is(err, ErrClosed) {
				t.Errorf("%d calls, client dies %v: %v, want ErrClosed", calls, clientDies, err)
			}
		}
	}
}

// TestBuryHalfClosed: a core that died between the stores of its own Close looks
// closed, but its parked peer watches a word that was not written any more.
func TestBuryHalfClosed(t *testing.T) {
	const epoch = 7 // of twoCores' links
	for name, f := range map[string]func(ctx context.Context, ab, ba Link) (wait func() error, die func()){
		"sender": func(ctx context.Context, ab, ba Link) (func() error, func()) {
			s, r := ringPair(t, 16, ab, ba)
			return func() error { return r.Recv(ctx, &Message{}) }, func() {
				publish(&s.own.sent, s.next)
				publish(&s.own.state, closedWord(s.epoch))
				BurySide(Side{Tx: s.own, Rx: new(Control), Ring: s.ring}, Side{Rx: r.own}, epoch)
			}
		},
		"receiver": func(ctx context.Context, ab, ba Link) (func() error, func()) {
			s, r := ringPair(t, 16, ba, ab)
			for s.TrySend(&Message{}) == nil {
			}
			return func() error { return s.Send(ctx, &Message{}) }, func() {
				publish(&r.own.state, closedWord(r.epoch))
				BurySide(Side{Tx: new(Control), Rx: r.own, Ring: make([]Line, 16)}, Side{Rx: new(Control)}, epoch)
			}
		},
		"client": func(ctx context.Context, ab, ba Link) (func() error, func()) {
			c, s := callPair(t, guarded(t, 3*pageSize), ab, ba)
			return func() error { return s.Accept(ctx, &Message{}) }, func() {
				publish(&c.own.state, closedWord(c.epoch))
				BuryCall(c.line, c.own, true, epoch)
			}
		},
		"server": func(ctx context.Context, ab, ba Link) (func() error, func()) {
			c, s := callPair(t, guarded(t, 3*pageSize), ba, ab)
			return func() error { return c.Call(ctx, &Message{}) }, func() {
				for s.TryAccept(&Message{}) == ErrEmpty {
				}
				publish(&s.own.state, closedWord(s.epoch))
				BuryCall(s.line, s.own, false, epoch)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := deadline(t)
			_, b, ab, ba := twoCores(t, seedtest.Seed(t), -1)
			wait, die := f(ctx, ab, ba)
			got := make(chan error)
			go func() { got <- wait() }()
			for b.sleeps() == 0 { // parked, or nearly
				Yield{}.Sleep(ctx, nil, 0)
			}
			die()
			ab.Bell.Wake()
			if err := <-got; err != ErrClosed {
				t.Errorf("the peer's wait ends with %v, want ErrClosed", err)
			}
		})
	}
}

func side(t *testing.T, mem []byte, lines int) Side {
	t.Helper()
	s, err := SideOf(mem, lines)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
