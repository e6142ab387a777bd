package hosted

import (
	"context"
	"sync/atomic"

	"barreleye/urpc"
)

// watchSet is a goroutine that waits for any of many words to change.
type watchSet struct {
	ctx     context.Context
	all     *watches
	places  []watch
	changed []uint32      // places that fired since the last Wait; under the lock of all
	told    []uint32      // what the last Wait returned
	fired   chan struct{} // of one
}

// Watch implements urpc.Watcher.
func (s *watches) Watch(ctx context.Context, n int) (urpc.Watch, error) {
	w := &watchSet{ctx: ctx, all: s, places: make([]watch, n), fired: make(chan struct{}, 1)}
	w.changed, w.told = make([]uint32, 0, n), make([]uint32, 0, n)
	for i := range w.places {
		w.places[i] = watch{at: -1, set: w, place: uint32(i)}
	}
	return w, nil
}

// Arm implements urpc.Watch.
func (w *watchSet) Arm(place int, word *uint64, old uint64) error {
	w.all.mu.Lock()
	defer w.all.mu.Unlock()
	p := &w.places[place]
	if p.listed {
		return nil
	}
	if p.at < 0 {
		p.at = len(w.all.armed)
		w.all.armed = append(w.all.armed, p)
	}
	p.word, p.old = word, old
	// The idle loop may have looked before the word was armed.
	if atomic.LoadUint64(word) != old {
		w.all.disarm(p)
		p.fire()
	}
	return nil
}

// Disarm implements urpc.Watch.
func (w *watchSet) Disarm(place int) {
	w.all.mu.Lock()
	defer w.all.mu.Unlock()
	if p := &w.places[place]; p.at >= 0 {
		w.all.disarm(p)
	}
}

// Wait implements urpc.Watch.
func (w *watchSet) Wait() ([]uint32, error) {
	select {
	case <-w.fired:
	case <-w.ctx.Done():
		return nil, w.ctx.Err()
	}
	w.all.mu.Lock()
	defer w.all.mu.Unlock()
	w.changed, w.told = w.told[:0], w.changed
	for _, place := range w.told {
		w.places[place].listed = false
	}
	return w.told, nil
}

// Close implements urpc.Watch.
func (w *watchSet) Close() error {
	for i := range w.places {
		w.Disarm(i)
	}
	return nil
}

// fire tells the goroutine that waits for a word which is no longer armed, with
// the lock of all watches held.
func (w *watch) fire() {
	if w.set == nil {
		w.fired <- struct{}{}
		return
	}
	w.listed = true
	w.set.changed = append(w.set.changed, w.place)
	select {
	case w.set.fired <- struct{}{}:
	default: // it was told of another place
	}
}
