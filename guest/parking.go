package guest

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"barreleye/urpc"
)

// parkings is what parks goroutines on ends to one life of a peer. Once that life has
// ended nobody parks there any more, and who does is woken by the marks with which the
// VMM buried the peer; those must not be wiped out before.
type parkings struct {
	urpc.Watcher
	all    *watchings
	ended  atomic.Bool
	inside atomic.Int64
}

// Sleep implements urpc.Sleeper.
func (p *parkings) Sleep(ctx context.Context, word *uint64, old uint64) error {
	p.inside.Add(1)
	defer p.inside.Add(-1)
	if p.ended.Load() {
		return ctx.Err() // look again: the end is detached
	}
	return p.Watcher.Sleep(ctx, word, old)
}

// Watch implements urpc.Watcher. The watch is not bound to this life.
func (p *parkings) Watch(ctx context.Context, n int) (urpc.Watch, error) {
	return p.all.watch(ctx, p.Watcher, n)
}

// end returns once nobody sleeps there.
func (p *parkings) end() {
	p.ended.Store(true)
	for p.inside.Load() != 0 {
		time.Sleep(20 * time.Microsecond) // the idle loop looks at the words meanwhile
	}
}

// watchings are the watches of many words that there are, of ends to any peers.
type watchings struct {
	mu   sync.Mutex
	list []*watching
}

// watching is such a watch with one word more, by which it is told to look at all again.
type watching struct {
	urpc.Watch
	all    *watchings
	told   uint64   // that word
	heard  uint64   // of told
	places []uint32 // all of them
}

func (w *watchings) watch(ctx context.Context, of urpc.Watcher, n int) (urpc.Watch, error) {
	inner, err := of.Watch(ctx, n+1)
	if err != nil {
		return nil, err
	}
	one := &watching{Watch: inner, all: w}
	for i := range n {
		one.places = append(one.places, uint32(i))
	}
	if err := inner.Arm(n, &one.told, 0); err != nil {
		inner.Close()
		return nil, err
	}
	w.mu.Lock()
	w.list = append(w.list, one)
	w.mu.Unlock()
	return one, nil
}

// tell has all of them look again: a word may have changed, and changed back.
func (w *watchings) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range w.list {
		atomic.AddUint64(&one.told, 1)
	}
}

// Wait implements urpc.Watch.
func (w *watching) Wait() ([]uint32, error) {
	if atomic.LoadUint64(&w.told) == w.heard {
		changed, err := w.Watch.Wait()
		if err != nil || !slices.Contains(changed, uint32(len(w.places))) {
			return changed, err
		}
	}
	w.heard = atomic.LoadUint64(&w.told)
	return w.places, w.Arm(len(w.places), &w.told, w.heard)
}

// Close implements urpc.Watch.
func (w *watching) Close() error {
	w.all.mu.Lock()
	w.all.list = slices.DeleteFunc(w.all.list, func(o *watching) bool { return o == w })
	w.all.mu.Unlock()
	return w.Watch.Close()
}

// lineParking parks the goroutine that broadcasts, on the acknowledgement of any member.
type lineParking struct {
	urpc.Sleeper
	at atomic.Pointer[uint64] // the word on which it sleeps
}

// Sleep implements urpc.Sleeper.
func (p *lineParking) Sleep(ctx context.Context, word *uint64, old uint64) error {
	p.at.Store(word)
	defer p.at.Store(nil)
	return p.Sleeper.Sleep(ctx, word, old)
}
