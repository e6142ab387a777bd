package multikernel

import (
	"sync/atomic"
	"time"

	"barreleye/devices/region"
	"barreleye/urpc"

	"golang.org/x/sys/unix"
)

// deadlock notices when every living core sleeps with nothing left to wait for
// but another core. Go's own detector cannot: a goroutine that waits for
// messages is parked in the netpoller.
type deadlock struct {
	r     *run
	since time.Time
	looks int      // at the cores since then
	seen  []uint64 // asleep generations at since
	found bool
	waits []patience // for the cores' dumps, with found
}

const (
	deadlockAfter = 300 * time.Millisecond // this long without any change
	deadlockLooks = 15                     // and seen so often: a host that stood still saw nothing
	dumpWithin    = 2 * time.Second        // for the goroutine dumps
)

func newDeadlock(r *run) *deadlock {
	return &deadlock{r: r, seen: make([]uint64, len(r.cores))}
}

// check reports a deadlock once, and stops cores that do not answer to it.
func (d *deadlock) check(now time.Time) bool {
	if d.found {
		if d.late(now) {
			d.r.stopAll()
		}
		return false
	}
	living, changed := 0, false
	for i, c := range d.r.cores {
		if c.over {
			continue
		}
		living++
		b := d.r.view.Block(i)
		g := atomic.LoadUint64(&b.Asleep)
		if !urpc.IsAsleep(g) || b.State.Load() != region.StateRunning || pendingEvent(c.event) {
			return d.restart(now)
		}
		if g != d.seen[i] {
			d.seen[i], changed = g, true
		}
	}
	if living == 0 || changed {
		return d.restart(now)
	}
	if d.looks++; d.looks < deadlockLooks || now.Sub(d.since) < deadlockAfter {
		return false
	}
	for _, c := range d.r.cores {
		if !c.over && !c.life.Quiet() {
			return d.restart(now)
		}
	}
	return true
}

// late reports whether nobody dumps any more: each core had its time.
func (d *deadlock) late(now time.Time) bool {
	for i, c := range d.r.cores {
		if i < len(d.waits) && !c.over && !d.waits[i].over(now, dumpWithin) {
			return false
		}
	}
	return true
}

// restart begins to count anew: there is no deadlock now.
func (d *deadlock) restart(now time.Time) bool {
	d.since, d.looks = now, 0
	return false
}

// pendingEvent reports whether a doorbell was rung that KVM has not delivered.
func pendingEvent(fd int) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, _ := unix.Poll(p, 0)
	return n > 0
}

// report asks every core for its goroutines, by the signal that makes the Go
// runtime print them and exit.
func (d *deadlock) report() {
	d.found = true
	d.r.logs.Alarm("deadlock: all cores are halted, no timer is set and no message is under way; goroutines of each core follow")
	for i, c := range d.r.cores {
		d.waits = append(d.waits, d.r.usage[i].patience(time.Now()))
		if !c.over {
			c.life.Signal(unix.SIGQUIT)
		}
	}
}
