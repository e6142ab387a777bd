// Package churn works a multikernel hard from outside: cores of image soak, which exchange
// messages all the time, are killed, stopped, parked, resumed, restarted, updated and added at
// random, one run after the other with a core count and a supervision strategy of its
// own. Every message has to be accounted for: delivered, or reported undelivered to its
// sender.
//
// The seed decides what is asked of which core and when; what happens meanwhile is the
// machine's.
package churn

import (
	"fmt"
	"io"
	"strings"
	"time"

	"barreleye/vmm/image"
)

// Config says what to do.
type Config struct {
	Platform string       // as multikernel.Options has it
	Image    *image.Image // soak
	Update   *image.Image // what cores are updated to: the same under another name
	Seed     uint64       // of the first run; each later one has the next number
	Length   time.Duration
	Most     int           // cores, 0 for 8
	Patience time.Duration // after which what does not come counts as hung, 0 for 3 minutes
	Dir      string        // for the logs of one run after the other
	Progress io.Writer     // a line for each run, and all that tells why one failed; nil for none
}

// mostCores is how many there are at most, unless Config says so.
const mostCores = 8

// Run does all runs, at least one. An error names the seed of the run that failed.
func Run(cfg Config) (*Summary, error) {
	start := time.Now()
	s := &Summary{Platforms: []string{cfg.Platform}, Seed: cfg.Seed}
	for seed := cfg.Seed; s.Runs == 0 || time.Since(start) < cfg.Length; seed++ {
		r := newRound(&cfg, seed)
		err := r.run()
		r.addTo(s)
		s.Took = time.Since(start)
		if err != nil {
			if cfg.Progress != nil {
				r.tell(cfg.Progress)
			}
			if r.hung != "" {
				err = fmt.Errorf("%w\nwithout an answer: %s\ncores: %s", err, r.open(), strings.Join(r.states, "; "))
			}
			return s, fmt.Errorf("%s, seed %d, %s: %w\nlogs are in %s; make soak SOAK_PLATFORM=%s SOAK_SEED=%d SOAK_SECONDS=1 repeats what was asked",
				cfg.Platform, seed, r, err, cfg.Dir, cfg.Platform, seed)
		}
		if cfg.Progress != nil {
			fmt.Fprintf(cfg.Progress, "churn: %s, seed %d, %s: %d lives, %d messages, %d undelivered\n",
				cfg.Platform, seed, r, r.lives(), r.account.Messages(), r.account.Undelivered)
		}
	}
	if s.Account.Messages() == 0 { // one run alone may have none: that is for the host to say
		return s, fmt.Errorf("%s: no messages at all in %d runs from seed %d on: 'make soak SOAK_SECONDS=60' gives them more time", cfg.Platform, s.Runs, cfg.Seed)
	}
	return s, nil
}
