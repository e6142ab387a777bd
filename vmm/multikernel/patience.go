package multikernel

import (
	"context"
	"time"
)

// patience is for how long a core has been waited for. Time in which it could have run and
// waited for a CPU does not count: there the host is slow, not the core. Nor is a core late
// that was looked at a few times only: then the VMM itself had no CPU, or the whole host
// stood still.
type patience struct {
	usage  *usage
	began  time.Time
	waited time.Duration // for a CPU, by then
	looks  int
}

const (
	patientLooks = 15
	// patientTimes bounds what does not count: threads of a process that compete with each
	// other wait for a CPU for ever.
	patientTimes = 6
)

// patience begins to wait for the core.
func (u *usage) patience(now time.Time) patience {
	_, waited := u.times()
	return patience{usage: u, began: now, waited: waited}
}

// over reports whether the core has been waited for longer than within.
func (p *patience) over(now time.Time, within time.Duration) bool {
	p.looks++
	took := now.Sub(p.began)
	if took <= within || p.looks < patientLooks {
		return false
	}
	if took > patientTimes*within {
		return true
	}
	_, waited := p.usage.times()
	return took-(waited-p.waited) > within
}

// wait returns a context that ends once the core has been waited for longer than within.
func (u *usage) wait(within time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	p := u.patience(time.Now())
	go func() {
		defer cancel()
		ticker := time.NewTicker(min(within/(2*patientLooks), time.Second))
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				if p.over(time.Now(), within) {
					return
				}
			}
		}
	}()
	return ctx, cancel
}
