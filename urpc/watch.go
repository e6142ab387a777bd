package urpc

import (
	"context"
	"runtime"
)

// Watcher is a Sleeper that watches many words for one goroutine, as Select wants.
type Watcher interface {
	Sleeper
	// Watch returns a watch of n words. It is for one goroutine; ctx ends its
	// waits.
	Watch(ctx context.Context, n int) (Watch, error)
}

// Watch is a set of words, at places from 0. A word that is armed stays so until
// it has changed and Wait has said so, however many Waits end before.
type Watch interface {
	// Arm watches word at this place until it differs from old.
	Arm(place int, word *uint64, old uint64) error
	// Disarm ends that. Wait may still name the place once.
	Disarm(place int)
	// Wait returns the places whose words have changed, in no order, which are
	// no longer armed; or none, without a reason; or the context's error. The
	// slice is good until the next Wait. It allocates nothing.
	Wait() (changed []uint32, err error)
	// Close gives the watch back.
	Close() error
}

// Watch implements Watcher, for cores that poll for ever.
func (Yield) Watch(ctx context.Context, n int) (Watch, error) { return yields{ctx}, nil }

// yields is a Watch that names no place.
type yields struct{ ctx context.Context }

func (yields) Arm(int, *uint64, uint64) error { return nil }
func (yields) Disarm(int)                     {}
func (yields) Close() error                   { return nil }

func (y yields) Wait() ([]uint32, error) {
	runtime.Gosched()
	return nil, y.ctx.Err()
}
