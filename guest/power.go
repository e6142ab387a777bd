package guest

import (
	"time"

	"barreleye/devices/region"
)

// Idle is what a core does that has nothing to run (docs/explanation/power.md).
type Idle int

// What there is. A run begins with what run --idle says.
const (
	IdlePoll Idle = iota // polls for messages: the lowest latency, and a CPU that no other core should share
	IdleHalt             // halts: the least CPU time, and each message is a wake-up
	IdlePark             // likewise, and it is taken off its CPU where it goes on
)

// SetIdle changes what this core does that has nothing to run, until the next call. A core that is halted
// or parked goes on with the next message or timer of its program.
func SetIdle(i Idle) {
	if here == nil {
		return // a test on Linux
	}
	switch i {
	case IdlePoll:
		here.SetPower(region.PowerHalt, uint64(time.Hour))
	case IdleHalt:
		here.SetPower(region.PowerHalt, 0)
	case IdlePark:
		here.SetPower(region.PowerPark, 0)
	}
}
