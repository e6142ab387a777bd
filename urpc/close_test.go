package urpc

import (
	"context"
	"errors"
	"testing"

	"barreleye/urpc/seedtest"
)

// TestCloseFullRing closes a ring without room: all messages arrive first.
func TestCloseFullRing(t *testing.T) {
	s, r := ringPair(t, 16, awake(), awake())
	var m Message
	n := uint64(0)
	for ; s.TrySend(&m) == nil; n++ {
		m.Words[0]++
	}
	if err := s.TrySend(&m); err != ErrFull || n != 15 {
		t.Fatalf("%d messages, %v", n, err)
	}
	s.Close()
	s.Close()
	if err := s.TrySend(&m); err != ErrClosed {
		t.Errorf("send after the close: %v", err)
	}
	for i := range n {
		if err := r.TryRecv(&m); err != nil || m.Words[0] != i {
			t.Fatalf("message %d: %v, %v", i, m, err)
		}
	}
	for range 2 {
		if err := r.TryRecv(&m); err != ErrClosed {
			t.Errorf("after the last: %v", err)
		}
	}
	if s.own.sent != n || s.own.state != closedWord(s.epoch) {
		t.Errorf("control %+v", *s.own)
	}
}

// TestCloseEndsWaits closes each end while the other is parked for good.
func TestCloseEndsWaits(t *testing.T) {
	eachSetting(t, func(t *testing.T, polls int) {
		ctx := deadline(t)
		for name, f := range map[string]func(ab, ba Link) (wait func() error, end func()){
			"receiver": func(ab, ba Link) (func() error, func()) {
				s, r := ringPair(t, 16, ab, ba)
				return func() error { return r.Recv(ctx, &Message{}) }, s.Close
			},
			"sender": func(ab, ba Link) (func() error, func()) {
				s, r := ringPair(t, 16, ba, ab)
				for s.TrySend(&Message{}) == nil {
				}
				return func() error { return s.Send(ctx, &Message{}) }, r.Close
			},
			"conn": func(ab, ba Link) (func() error, func()) {
				near, far := connPair(t, 16, ba, ab)
				return func() error { return near.Recv(ctx, &Message{}) }, far.Close
			},
			"client": func(ab, ba Link) (func() error, func()) {
				c, s := callPair(t, guarded(t, 3*pageSize), ba, ab)
				return func() error { return c.Call(ctx, &Message{}) }, s.Close
			},
			"server": func(ab, ba Link) (func() error, func()) {
				c, s := callPair(t, guarded(t, 3*pageSize), ab, ba)
				return func() error { return s.Accept(ctx, &Message{}) }, c.Close
			},
		} {
			_, b, ab, ba := twoCores(t, seedtest.Seed(t), polls)
			wait, end := f(ab, ba)
			got := make(chan error)
			go func() { got <- wait() }()
			for b.sleeps() == 0 { // parked, or nearly
				pause(100)
				Yield{}.Sleep(ctx, nil, 0)
			}
			end()
			if err := <-got; err != ErrClosed {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestContextEnds gives up waits, and shows that the end still works after it.
func TestContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	seed := seedtest.Seed(t)
	_, _, ab, ba := twoCores(t, seed, 10)
	s, r := ringPair(t, 16, ab, ba)
	var m Message
	if err := r.Recv(ctx, &m); !errors.Is(err, context.Canceled) {
		t.Errorf("Recv: %v", err)
	}
	for s.TrySend(&m) == nil {
	}
	if err := s.Send(ctx, &m); !errors.Is(err, context.Canceled) {
		t.Errorf("Send: %v", err)
	}
	if err := r.Recv(ctx, &m); err != nil {
		t.Errorf("Recv of what is there: %v", err)
	}

	client, server := callPair(t, guarded(t, 3*pageSize), ab, ba)
	m.Words[0] = 1
	if err := client.Call(ctx, &m); !errors.Is(err, context.Canceled) {
		t.Errorf("Call: %v", err)
	}
	if err := client.Start(&m); err != ErrBusy {
		t.Errorf("Start with a call outstanding: %v", err)
	}
	if err := server.TryAccept(&m); err != nil {
		t.Fatal(err)
	}
	if err := server.TryAccept(&m); err != ErrBusy {
		t.Errorf("second accept: %v", err)
	}
	server.Reply(&m)
	if err := server.Reply(&m); err != ErrBusy {
		t.Errorf("second reply: %v", err)
	}
	m.Words[0] = 2
	if err := client.Start(&m); err != nil { // drops the answer 1
		t.Errorf("Start after the answer: %v", err)
	}
	server.TryAccept(&m)
	server.Reply(&m)
	if err := client.Poll(&m); err != nil || m.Words[0] != 2 {
		t.Errorf("Poll: %v, %v", m, err)
	}
}

// TestCloseByTheVMM closes a dead sender in its place: what it sent still arrives.
func TestCloseByTheVMM(t *testing.T) {
	s, r := ringPair(t, 16, awake(), awake())
	var m Message
	s.TrySend(&m)
	s.own.sent, s.own.state = 1, closedWord(s.epoch)
	if err := r.TryRecv(&m); err != nil {
		t.Error(err)
	}
	if err := r.TryRecv(&m); err != ErrClosed {
		t.Error(err)
	}
}
