package guest

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"barreleye/urpc"
)

// sleepers is a Watcher whose goroutines poll, as those of a core that never sleeps.
type sleepers struct{}

func (sleepers) Sleep(ctx context.Context, word *uint64, old uint64) error {
	for atomic.LoadUint64(word) == old && ctx.Err() == nil {
		runtime.Gosched()
	}
	return ctx.Err()
}

func (sleepers) Watch(ctx context.Context, n int) (urpc.Watch, error) {
	return &polled{ctx: ctx, words: make([]*uint64, n), old: make([]uint64, n)}, nil
}

type polled struct {
	ctx   context.Context
	mu    sync.Mutex
	words []*uint64
	old   []uint64
}

func (p *polled) Arm(place int, word *uint64, old uint64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.words[place], p.old[place] = word, old
	return nil
}
func (p *polled) Disarm(place int) { p.Arm(place, nil, 0) }
func (p *polled) Close() error     { return nil }

func (p *polled) Wait() (changed []uint32, err error) {
	for len(changed) == 0 && p.ctx.Err() == nil {
		p.mu.Lock()
		for i, w := range p.words {
			if w != nil && atomic.LoadUint64(w) != p.old[i] {
				p.words[i] = nil
				changed = append(changed, uint32(i))
			}
		}
		p.mu.Unlock()
		runtime.Gosched()
	}
	return changed, p.ctx.Err()
}

// deadline ends a hang.
func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// TestNobodyParksAfterTheEnd: end returns when who slept was woken, and nobody sleeps on
// the words of that life later, whatever they hold.
func TestNobodyParksAfterTheEnd(t *testing.T) {
	p := &parkings{Watcher: sleepers{}, all: &watchings{}}
	var word uint64
	slept := make(chan error)
	go func() { slept <- p.Sleep(deadline(t), &word, 0) }()
	for p.inside.Load() == 0 {
		runtime.Gosched()
	}
	ended := make(chan struct{})
	go func() { p.end(); close(ended) }()
	for !p.ended.Load() {
		runtime.Gosched()
	}
	select {
	case <-ended:
		t.Error("the end came while somebody slept")
	default:
	}
	atomic.StoreUint64(&word, 1) // the mark
	if err := <-slept; err != nil {
		t.Error(err)
	}
	<-ended
	if err := p.Sleep(deadline(t), &word, 1); err != nil {
		t.Errorf("a sleep afterwards: %v", err)
	}
}

// TestWatchesLookAgain: a watch names all its places when it is told to, also when that
// was before its Wait, and words that changed before and after as ever.
func TestWatchesLookAgain(t *testing.T) {
	var all watchings
	w, err := all.watch(deadline(t), sleepers{}, 3)
	if err != nil {
		t.Fatal(err)
	}
	var words [3]uint64
	for i := range words {
		w.Arm(i, &words[i], 0)
	}
	want := func(places ...uint32) {
		t.Helper()
		got, err := w.Wait()
		if err != nil || len(got) != len(places) {
			t.Fatalf("%d, %v, want %d", got, err, places)
		}
	}
	words[1] = 1
	want(1)
	all.tell()
	want(0, 1, 2)
	go func() {
		runtime.Gosched()
		all.tell()
	}()
	want(0, 1, 2)
	atomic.StoreUint64(&words[2], 1)
	want(2)
	if err := w.Close(); err != nil || len(all.list) != 0 {
		t.Errorf("%v, %d watches left", err, len(all.list))
	}
}

// TestInside: a goroutine in a method of an end is seen, one that waits there or polls is
// seen outside before long.
func TestInside(t *testing.T) {
	if inside() {
		t.Error("somebody is inside before there are ends")
	}
	mem := make([]uint64, 2*urpc.SideBytes(64)/8+1024)
	near, far := conns(t, mem)
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() { // in the middle of something nearly always
		msgs := make([]urpc.Message, 32)
		for !stop.Load() {
			near.SendBatch(msgs)
			far.RecvBatch(msgs)
		}
	})
	for limit := time.Now().Add(time.Minute); !inside(); {
		if time.Now().After(limit) {
			t.Fatal("nobody is seen inside")
		}
	}
	waitOutside()
	stop.Store(true)
	wg.Wait()
	ctx, cancel := context.WithCancel(context.Background())
	wg.Go(func() {
		var m urpc.Message
		for far.Recv(ctx, &m) == nil {
		}
	})
	for range 20 {
		waitOutside()
	}
	cancel()
	wg.Wait()
}
