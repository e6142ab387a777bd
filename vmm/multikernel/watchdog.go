package multikernel

import (
	"fmt"
	"sync/atomic"
	"time"

	"barreleye/devices/region"
)

// DefaultWatchdog is how much CPU time a core may take without progress. A tick
// is progress, so 10 ms of it would do.
const DefaultWatchdog = 10 * time.Second

// minWatchdog leaves room for the longest tick.
const minWatchdog = 2 * time.Second

// watchdog ends cores that are stuck: one that says it does not sleep, and whose
// driver has served no event, neither call nor exception, tick or doorbell, while
// the thread of its vCPU took a given CPU time. It counts no other time: cores that
// wait for a CPU, are parked or sleep, and all while the host stands still, take
// none. Without ticks a core that computes serves no event, so then it looks at
// nobody; nor at processes, which Linux preempts whatever they do.
type watchdog struct {
	r    *run
	next time.Time // when to look
	seen []vigil
}

// vigil is what was seen of one core.
type vigil struct {
	life     watchable
	progress uint64
	used     time.Duration // CPU time at the last look
	took     time.Duration // CPU time since progress had this value for the first time
}

// watchable is a carrier that tells what the watchdog asks.
type watchable interface {
	// CPUTime returns how much CPU time the core has had; false where it has none.
	CPUTime() (time.Duration, bool)
	// Condemn makes Run return with life.Stuck.
	Condemn(detail string)
}

// looksPerBound is how often it looks within the time that it allows.
const looksPerBound = 8

func newWatchdog(r *run) *watchdog { return &watchdog{r: r} }

// check looks at all cores, where it is time to.
func (w *watchdog) check(now time.Time) {
	bound := w.r.opt.Watchdog
	if bound == 0 || w.r.opt.Tick == 0 || now.Before(w.next) {
		return
	}
	w.next = now.Add(bound / looksPerBound)
	for len(w.seen) < len(w.r.cores) { // cores may be added
		w.seen = append(w.seen, vigil{})
	}
	for i, c := range w.r.cores {
		if l, ok := c.life.(watchable); ok && !c.over {
			w.look(&w.seen[i], w.r.view.Block(i), l, bound)
		}
	}
}

// look judges one core.
func (w *watchdog) look(v *vigil, b *region.Block, l watchable, bound time.Duration) {
	progress := atomic.LoadUint64(&b.Progress)
	state := b.State.Load()
	used, ok := l.CPUTime()
	// not by the word that senders look at: a core that computes has them ring too
	if v.life != l || v.progress != progress || !ok || b.Power.Load() != region.PowerPoll ||
		state != region.StateBooting && state != region.StateRunning {
		*v = vigil{life: l, progress: progress, used: used}
		if !ok {
			v.life = nil // the thread that it gets may have worked for others before
		}
		return
	}
	// A whole host that stood still (one that is emulated, or a virtual machine itself) counts the
	// pause as CPU time of who ran: between two looks there cannot be much more than there should.
	v.took += min(used-v.used, 2*bound/looksPerBound)
	v.used = used
	if v.took >= bound {
		l.Condemn(fmt.Sprintf("no event served in %v of CPU time", v.took.Round(time.Millisecond)))
		v.took = 0
	}
}
