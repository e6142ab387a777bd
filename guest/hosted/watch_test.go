package hosted

import (
	"context"
	"errors"
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
