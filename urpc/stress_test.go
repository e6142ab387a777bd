package urpc

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"barreleye/urpc/seedtest"
)

var (
	rounds     = flag.Int("urpc.messages", 20000, "messages per stress test")
	stressTime = 30 * time.Second // a lost wake-up shows as this running out
)

// delays makes a function that wastes a random short time, seldom a long one.
func delays(seed, stream uint64) func() {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, stream))
	return func() {
		mu.Lock()
		kind, n := rng.IntN(16), rng.IntN(400)
		mu.Unlock()
		switch {
		case kind < 2:
			runtime.Gosched()
		case kind < 5:
			pause(uint32(n + 1))
		}
	}
}

// twoCores makes cores with random timing and the links between them.
func twoCores(t *testing.T, seed uint64, polls int) (a, b *core, ab, ba Link) {
	a = newCore(t, new(uint64), delays(seed, 1))
	b = newCore(t, new(uint64), delays(seed, 2))
	return a, b, a.linkTo(b, polls), b.linkTo(a, polls)
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), stressTime)
	t.Cleanup(cancel)
	return ctx
}

// eachSetting runs f with one and two processors, and with ends that poll never,
// a little, and as long as by default.
func eachSetting(t *testing.T, f func(t *testing.T, polls int)) {
	for _, procs := range []int{1, 2} {
		for _, polls := range []int{-1, 20, 0} {
			t.Run(fmt.Sprintf("procs=%d/polls=%d", procs, polls), func(t *testing.T) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
				f(t, polls)
			})
		}
	}
}

// fill makes message i; verify checks it.
func fill(m *Message, i uint64) {
	for j := range m.Words {
		m.Words[j] = i * uint64(j+1)
	}
	m.Type = uint16(i % TypeReserved)
	m.Len = uint8(i % (MaxPayload + 1))
}

func verify(m *Message, i uint64) error {
	var want Message
	fill(&want, i)
	if *m != want {
		return fmt.Errorf("message %d: got %v, want %v", i, *m, want)
	}
	return nil
}

// TestOneWay sends through a small ring, so that both ends block all the time,
// with random delays on both sides, and closes: every message arrives, in order.
func TestOneWay(t *testing.T) {
	eachSetting(t, func(t *testing.T, polls int) {
		seed := seedtest.Seed(t)
		a, b, ab, ba := twoCores(t, seed, polls)
		sender, receiver := ringPair(t, 16, ab, ba)
		ctx := deadline(t)
		n := uint64(*rounds)
		errs := make(chan error, 1)
		go func() {
			wait := delays(seed, 3)
			var m Message
			for i := range n {
				fill(&m, i)
				if err := sender.Send(ctx, &m); err != nil {
					errs <- fmt.Errorf("send %d: %w", i, err)
					return
				}
				wait()
			}
			sender.Close()
			errs <- nil
		}()
		wait := delays(seed, 4)
		var m Message
		for i := range n {
			if err := receiver.Recv(ctx, &m); err != nil {
				t.Fatalf("receive %d: %v (sender: %d sleeps, receiver: %d)", i, err, a.sleeps(), b.sleeps())
			}
			if err := verify(&m, i); err != nil {
				t.Fatal(err)
			}
			wait()
		}
		if err := receiver.Recv(ctx, &m); err != ErrClosed {
			t.Errorf("after the close: %v", err)
		}
		if err := <-errs; err != nil {
			t.Error(err)
		}
		if polls < 0 && (a.sleeps() == 0 || b.sleeps() == 0) {
			t.Errorf("sender slept %d times, receiver %d: the test blocks too little", a.sleeps(), b.sleeps())
		}
	})
}

// TestBatches sends and takes in batches of random size through the wrap of a
// small ring.
func TestBatches(t *testing.T) {
	seed := seedtest.Seed(t)
	_, _, ab, ba := twoCores(t, seed, 0)
	sender, receiver := ringPair(t, 32, ab, ba)
	rng := rand.New(rand.NewPCG(seed, 5))
	var in, out [48]Message
	var sent, taken uint64
	for taken < uint64(*rounds) {
		batch := in[:rng.IntN(len(in))]
		for i := range batch {
			fill(&batch[i], sent+uint64(i))
		}
		n, err := sender.SendBatch(batch)
		if (err == nil) != (n == len(batch)) || err != nil && err != ErrFull {
			t.Fatalf("batch of %d: %d, %v", len(batch), n, err)
		}
		sent += uint64(n)
		n, err = receiver.RecvBatch(out[:rng.IntN(len(out))])
		if err != nil && err != ErrEmpty {
			t.Fatal(err)
		}
		for i := range n {
			if err := verify(&out[i], taken); err != nil {
				t.Fatal(err)
			}
			taken++
		}
		if rng.IntN(4) == 0 {
			receiver.Ack()
		}
	}
	in[3].Len = MaxPayload + 1
	receiver.RecvBatch(out[:])
	receiver.Ack()
	if n, err := sender.SendBatch(in[:8]); n != 3 || err != ErrMessage {
		t.Errorf("batch with a bad message: %d, %v", n, err)
	}
}

// TestConversation sends by TrySend only: Recv must flush before it parks.
func TestConversation(t *testing.T) {
	eachSetting(t, func(t *testing.T, polls int) {
		seed := seedtest.Seed(t)
		_, _, ab, ba := twoCores(t, seed, polls)
		ab.Latency, ba.Latency = true, true // most messages carry a stamp
		near, far := connPair(t, 16, ab, ba)
		ctx := deadline(t)
		done := make(chan bool)
		defer func() { near.Close(); <-done }() // memory goes away after it
		go func() {
			defer close(done)
			wait := delays(seed, 3)
			var m Message
			for far.Recv(ctx, &m) == nil {
				wait()
				if far.TrySend(&m) != nil {
					return
				}
			}
		}()
		wait := delays(seed, 4)
		var m Message
		for i := range uint64(*rounds) / 4 {
			fill(&m, i)
			if err := near.TrySend(&m); err != nil {
				t.Fatal(err)
			}
			if err := near.Recv(ctx, &m); err != nil {
				t.Fatalf("answer %d: %v", i, err)
			}
			if err := verify(&m, i); err != nil {
				t.Fatal(err)
			}
			wait()
		}
	})
}

// TestCalls calls with random delays, so that either end sleeps at times.
func TestCalls(t *testing.T) {
	eachSetting(t, func(t *testing.T, polls int) {
		seed := seedtest.Seed(t)
		_, _, ab, ba := twoCores(t, seed, polls)
		client, server := callPair(t, guarded(t, 3*pageSize), ab, ba)
		ctx := deadline(t)
		done := make(chan error, 1)
		go func() {
			wait := delays(seed, 3)
			var m Message
			for {
				if err := server.Accept(ctx, &m); err != nil {
					done <- err
					return
				}
				wait()
				m.Words[3]++
				server.Reply(&m)
			}
		}()
		wait := delays(seed, 4)
		var m Message
		for i := range uint64(*rounds) / 4 {
			fill(&m, i)
			if err := client.Call(ctx, &m); err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
			m.Words[3]--
			if err := verify(&m, i); err != nil {
				t.Fatal(err)
			}
			wait()
		}
		client.Close()
		if err := <-done; err != ErrClosed {
			t.Errorf("server after the close: %v", err)
		}
	})
}
