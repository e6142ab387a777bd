package guest

import (
	"context"

	"barreleye/guest/cpudriver"
	"barreleye/urpc"
)

// watchSet is a watch of the CPU driver for many words, and the goroutine that
// reads it.
type watchSet struct {
	parking
	ctx     context.Context
	changed []uint32    // what parking.buf holds
	forget  func() bool // ends the context's hold on the file
}

// Watch implements urpc.Watcher.
func (s *sleeper) Watch(ctx context.Context, n int) (urpc.Watch, error) {
	if n < 1 || n > cpudriver.MaxPlaces {
		return nil, cpudriver.ErrArmed
	}
	w, err := cpudriver.NewWatchSet(n)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.know(w)
	s.mu.Unlock()
	set := &watchSet{ctx: ctx, changed: make([]uint32, max(n, 2))}
	set.parking = parking{watch: w, buf: bytesOf(set.changed)}
	set.forget = context.AfterFunc(ctx, func() { w.File().SetReadDeadline(past) })
	return set, nil
}

// Arm implements urpc.Watch.
func (w *watchSet) Arm(place int, word *uint64, old uint64) error {
	return w.watch.Arm(place, word, old)
}

// Disarm implements urpc.Watch.
func (w *watchSet) Disarm(place int) { w.watch.Disarm(place) }

// Wait implements urpc.Watch.
func (w *watchSet) Wait() ([]uint32, error) {
	n, err := w.wait(w.ctx)
	return w.changed[:n/4], err
}

// Close implements urpc.Watch.
func (w *watchSet) Close() error {
	w.forget()
	return w.watch.Close()
}
