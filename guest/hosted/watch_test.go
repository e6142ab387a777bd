package hosted

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// idle looks at the words until the returned function is called, as the idle
// loop of a core that never sleeps.
func idle(s *watches) (stop func()) {
	var over atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !over.Load() {
			s.look()
		}
	})
	return func() { over.Store(true); wg.Wait() }
}

// TestEveryChangeEndsASleep: goroutines hand numbers through words of their own
// to each other; a change that was missed would end the relay.
func TestEveryChangeEndsASleep(t *testing.T) {
	const pairs, rounds = 8, 2000
	var s watches
	defer idle(&s)()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // a hang, not a measure
	defer cancel()
	var wg sync.WaitGroup
	for range pairs {
		var ping, pong uint64
		await := func(word *uint64, want uint64) bool {
			for {
				v := atomic.LoadUint64(word)
				if v == want {
					return true
				}
				if err := s.Sleep(ctx, word, v); err != nil {
					t.Errorf("round %d: %v", want, err)
					return false
				}
			}
		}
		wg.Go(func() {
			for i := uint64(1); i <= rounds; i++ {
				atomic.StoreUint64(&ping, i)
				if !await(&pong, i) {
					return
				}
			}
		})
		wg.Go(func() {
			for i := uint64(1); i <= rounds; i++ {
				if !await(&ping, i) {
					return
				}
				atomic.StoreUint64(&pong, i)
			}
		})
	}
	wg.Wait()
	if len(s.armed) != 0 {
		t.Errorf("%d watches are still armed", len(s.armed))
	}
}

// TestSleepEndsWithItsContext: and the watch can be used again, without the
// past's change in it.
func TestSleepEndsWithItsContext(t *testing.T) {
	var s watches
	defer idle(&s)()
	var word uint64
	for i := range uint64(200) {
		ctx, cancel := context.WithCancel(context.Background())
		slept := make(chan error)
		go func() { slept <- s.Sleep(ctx, &word, i) }()
		// the end of the context and the change race; either may win
		go cancel()
		atomic.StoreUint64(&word, i+1)
		if err := <-slept; err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cancel()
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Sleep(ctx, &word, atomic.LoadUint64(&word)); !errors.Is(err, context.Canceled) {
		t.Errorf("a sleep on a word that does not change: %v, want %v", err, context.Canceled)
	}
	if len(s.free) > 2 || len(s.armed) != 0 {
		t.Errorf("%d watches kept, %d armed, for one sleep at a time", len(s.free), len(s.armed))
	}
}

// TestEveryChangeEndsAWait: one goroutine waits for many words, each of which
// another one changes and wants changed back.
func TestEveryChangeEndsAWait(t *testing.T) {
	const words, rounds = 16, 1000
	var s watches
	defer idle(&s)()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // a hang, not a measure
	defer cancel()
	var there, back [words]uint64
	var wg sync.WaitGroup
	for k := range words {
		wg.Go(func() {
			for i := range uint64(rounds) {
				atomic.StoreUint64(&there[k], i+1)
				for atomic.LoadUint64(&back[k]) == i {
					if err := s.Sleep(ctx, &back[k], i); err != nil {
						t.Errorf("word %d, round %d: %v", k, i, err)
						return
					}
				}
			}
		})
	}
	set, err := s.Watch(ctx, words)
	if err != nil {
		t.Fatal(err)
	}
	for k := range words {
		set.Arm(k, &there[k], 0)
	}
	for taken := 0; taken < words*rounds; {
		changed, err := set.Wait()
		if err != nil {
			t.Fatalf("after %d: %v", taken, err)
		}
		for _, k := range changed {
			v := atomic.LoadUint64(&there[k])
			if v != atomic.LoadUint64(&back[k])+1 {
				t.Fatalf("word %d has %d after %d", k, v, back[k])
			}
			taken++
			set.Arm(int(k), &there[k], v)
			atomic.StoreUint64(&back[k], v)
		}
	}
	wg.Wait()
	set.Disarm(0)
	set.Close()
	if len(s.armed) != 0 {
		t.Errorf("%d watches are still armed", len(s.armed))
	}
}

// TestWaitAllocatesNothing.
func TestWaitAllocatesNothing(t *testing.T) {
	var s watches
	word := uint64(1)
	set, err := s.Watch(context.Background(), 2)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		set.Arm(1, &word, 0) // it has changed already
		if changed, err := set.Wait(); err != nil || len(changed) != 1 || changed[0] != 1 {
			t.Error(changed, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkLook: what the idle loop's looks cost with so many idle channels: one
// at all of them, as before it sleeps, and one at some, as while it polls.
func BenchmarkLook(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		var s watches
		lines := make([][8]uint64, n)
		set, err := s.Watch(context.Background(), n)
		if err != nil {
			b.Fatal(err)
		}
		for i := range lines {
			set.Arm(i, &lines[i][0], 0)
		}
		b.Run(fmt.Sprintf("all/channels=%d", n), func(b *testing.B) {
			for b.Loop() {
				s.look()
			}
		})
		b.Run(fmt.Sprintf("some/channels=%d", n), func(b *testing.B) {
			for b.Loop() {
				s.lookAtSome()
			}
		})
	}
}

// TestSleepAllocatesNothing once there is a watch.
func TestSleepAllocatesNothing(t *testing.T) {
	var s watches
	word := uint64(1)
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() {
		if err := s.Sleep(ctx, &word, 0); err != nil { // it has changed already
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
