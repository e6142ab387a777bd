package churn

import "time"

// patience is how long a command, or the end of a run, may take before it counts as hung,
// unless Config says so.
const patience = 3 * time.Minute

// tick is how often whoever is patient looks.
const tick = 100 * time.Millisecond

// wait is a time that something may take. It counts looks, not what the clock says: while
// the host stands still, or lets nobody of this process run, nothing is late.
type wait struct {
	over chan struct{} // closed when it is
	stop chan struct{}
}

func newWait(d time.Duration) *wait {
	w := &wait{make(chan struct{}), make(chan struct{})}
	go func() {
		for ; d > 0; d -= tick {
			select {
			case <-time.After(min(d, tick)):
			case <-w.stop:
				return
			}
		}
		close(w.over)
	}()
	return w
}

// end ends the wait, which may be over.
func (w *wait) end() { close(w.stop) }
