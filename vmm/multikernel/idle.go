package multikernel

import (
	"fmt"
	"time"
)

// What a core does that has nothing to run (docs/explanation/power.md).
const (
	IdleAuto = "auto" // polls for as long as a wake-up costs, then halts
	IdlePoll = "poll" // polls for messages: the lowest latency, and a CPU for each core
	IdleHalt = "halt" // halts at once: the least CPU time, and each message is a wake-up
	IdlePark = "park" // the same, and the VMM takes it off its CPU where it goes on
)

// IdlePolicies are all of them.
var IdlePolicies = []string{IdleAuto, IdlePoll, IdleHalt, IdlePark}

// defaultPoll is the price of halting and being woken after a long gap on the
// development machine (paper §5.2: polling as long as a sleep costs is at most
// twice the best). Guests start from it and measure their own.
const defaultPoll = 60 * time.Microsecond

// endlessPoll is for how long a core polls that is to poll for ever: halting once
// in so long costs nothing.
const endlessPoll = time.Hour

// autoPoll reports whether the cores are to find out for how long to poll.
func (o *Options) autoPoll() bool {
	return (o.Idle == "" || o.Idle == IdleAuto) && o.ownPoll()
}

// ownPoll reports whether nobody said for how long to poll.
func (o *Options) ownPoll() bool { return o.Poll == "" || o.Poll == "auto" }

// pollTime returns for how long idle cores poll. crowded says that they outnumber
// their CPUs.
func (o *Options) pollTime(crowded bool) (time.Duration, error) {
	switch o.Idle {
	case "", IdleAuto:
	case IdlePoll, IdleHalt, IdlePark:
		if !o.ownPoll() {
			return 0, fmt.Errorf("run: --idle %s and --poll %s: --poll says how long a core polls with --idle auto: leave one of them out", o.Idle, o.Poll)
		}
		if o.Idle != IdlePoll {
			return 0, nil
		}
		if crowded {
			return 0, fmt.Errorf("run: --idle poll: %d cores would poll on fewer CPUs, and keep each other from running: use --idle auto or halt, or fewer cores", o.Cores)
		}
		return endlessPoll, nil
	default:
		return 0, fmt.Errorf("run: --idle %s: use auto, poll, halt or park", o.Idle)
	}
	if o.ownPoll() {
		if crowded {
			return 0, nil
		}
		return defaultPoll, nil
	}
	d, err := time.ParseDuration(o.Poll)
	if err != nil || d < 0 || d > time.Minute {
		return 0, fmt.Errorf("run: --poll %s: use auto or a duration from 0 to 1m, such as 60us", o.Poll)
	}
	return d, nil
}
