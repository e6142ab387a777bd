package guest

import (
	"context"

	"barreleye/guest/monitor"
)

// Membership is who lives: the number of its life by core, 0 of those that do not live, and
// an Epoch that grows with every change that this core has seen.
type Membership = monitor.Membership

// Members returns the cores that live, this one among them, in order. A core of which this
// one has ends is among them before its program runs.
func Members() []int {
	var list []int
	for c, life := range Lives().Lives {
		if life != 0 {
			list = append(list, c)
		}
	}
	return list
}

// Lives returns the same with the numbers of the lives.
func Lives() Membership {
	if core == nil {
		return Membership{Epoch: 1, Lives: []uint64{1}} // a test on Linux
	}
	return core.Members()
}

// Watch returns who lives as soon as that is not any more what it was in an epoch, such as
// that of Lives or of the last Watch. Changes that follow each other closely may be
// seen as one: the numbers of the lives tell whether a core was away. Its error is the
// context's.
func Watch(ctx context.Context, epoch uint64) (Membership, error) {
	if core == nil {
		if epoch != 1 {
			return Lives(), nil
		}
		<-ctx.Done()
		return Membership{}, ctx.Err()
	}
	return core.Changed(ctx, epoch)
}

// WaitPeer returns once a peer lives a life after the given one and its monitor has said
// hello, and the number of that life: WaitPeer(ctx, 2, 0) waits for core 2 to be there, and
// with the Life of a GoneError for its return. Errors are ErrPeer and the context's.
func WaitPeer(ctx context.Context, peer int, after uint64) (life uint64, err error) {
	if err := links.check(peer); err != nil {
		return 0, err
	}
	return core.WaitPeer(ctx, peer, after)
}

// WaitPeers returns once the monitor of every other core that lives has said hello.
func WaitPeers(ctx context.Context) error {
	if core == nil {
		return nil // a test on Linux
	}
	return core.WaitPeers(ctx)
}
