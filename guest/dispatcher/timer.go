package dispatcher

import (
	"container/heap"
	"time"
)

// forever is a timeout that does not come.
const forever = time.Duration(1<<63 - 1)

// Timer is a function that is due some time.
type Timer struct {
	d     *Dispatcher
	at    time.Time
	f     func()
	place int // in the heap, -1 where it is not
}

// After has f run as an upcall once the duration has passed. On a core that
// computes that is with the next tick.
func (d *Dispatcher) After(wait time.Duration, f func()) *Timer {
	t := &Timer{d: d, at: time.Now().Add(wait), f: f}
	heap.Push(&d.timers, t)
	return t
}

// Stop takes the timer back. False where it ran or was stopped before.
func (t *Timer) Stop() bool {
	if t.place < 0 {
		return false
	}
	heap.Remove(&t.d.timers, t.place)
	return true
}

// timers is a heap, the earliest first.
type timers []*Timer

func (s timers) Len() int           { return len(s) }
func (s timers) Less(i, j int) bool { return s[i].at.Before(s[j].at) }
func (s timers) Swap(i, j int)      { s[i], s[j] = s[j], s[i]; s[i].place, s[j].place = i, j }
func (s *timers) Push(t any)        { t.(*Timer).place = len(*s); *s = append(*s, t.(*Timer)) }

func (s *timers) Pop() any {
	last := len(*s) - 1
	t := (*s)[last]
	(*s)[last] = nil
	*s = (*s)[:last]
	t.place = -1
	return t
}

// due reports whether a timer's time has come.
func (s timers) due() bool { return len(s) > 0 && !time.Now().Before(s[0].at) }

// run runs those that are due, but not what they start for the same moment.
func (s *timers) run(d *Dispatcher) {
	if len(*s) == 0 {
		return
	}
	for now := time.Now(); len(*s) > 0 && !now.Before((*s)[0].at); {
		d.protect(heap.Pop(s).(*Timer).f)
	}
}

// untilTimer returns how long the dispatcher may wait.
func (d *Dispatcher) untilTimer() time.Duration {
	if len(d.timers) == 0 {
		return forever
	}
	return max(0, time.Until(d.timers[0].at))
}
