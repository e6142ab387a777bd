package multikernel

import (
	"fmt"
	"strings"
	"time"

	"barreleye/vmm/lifecycle"
)

// delayed is how long a core's next life may wait for other cores until a line tells whose
// turn it is.
const delayed = time.Second

// delays tells of next lives that are ready and kept from beginning.
func (r *run) delays(now time.Time) {
	for i, c := range r.cores {
		switch {
		case r.machine.State(i) != lifecycle.Waiting:
			c.ready = time.Time{}
			c.told = false
		case c.ready.IsZero():
			c.ready = now
		case !c.told && now.Sub(c.ready) >= delayed:
			c.told = true
			r.logs.Say("core %d: life %d waits: %s", i, c.next.life, r.inTheWay(i))
		}
	}
}

// inTheWay says what keeps a core's next life from beginning, and what helps.
func (r *run) inTheWay(i int) string {
	owing, ending := r.machine.Awaits(i)
	var why []string
	for _, j := range owing {
		state := r.machine.State(j)
		step := fmt.Sprintf("restart it ('barreleye core restart %d') if it hangs", j)
		if state == lifecycle.Parked {
			step = fmt.Sprintf("'barreleye core resume %d' lets it go on", j)
		}
		why = append(why, fmt.Sprintf("core %d, %s, has not let go of life %d: %s", j, state, r.machine.Life(i), step))
	}
	for _, j := range ending {
		why = append(why, fmt.Sprintf("core %d of its group has not ended yet", j))
	}
	return strings.Join(why, "; ")
}
