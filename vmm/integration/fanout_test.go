package integration

import (
	"fmt"
	"testing"
)

// TestFanOut: one core asks all others in each form, with pauses in which they
// fall asleep. Every answer has everybody's part.
func TestFanOut(t *testing.T) {
	n := scaled(1000, 200)
	for _, cores := range []int{2, 4, 8} {
		t.Run(fmt.Sprintf("%d cores", cores), func(t *testing.T) {
			o := boot(t, "probe", cores, "-n", fmt.Sprint(n), "fanout")
			o.wantOK()
			for _, form := range []string{"broadcast", "unicast", "multicast"} {
				o.wantLine(0, fmt.Sprintf("%s: %d operations, %d members left", form, n, cores-1))
				for i := 1; i < cores; i++ {
					o.wantLine(i, fmt.Sprintf("%s: core %d answered %d times", form, i, n))
				}
			}
		})
	}
}

// TestFanOutLosesACore: a member panics with a request in hand, in the tree one
// with others below it. That operation names it, and the others go on.
func TestFanOutLosesACore(t *testing.T) {
	const n, cores, victim = 200, 8, 1
	for _, form := range []string{"broadcast", "unicast", "multicast"} {
		t.Run(form, func(t *testing.T) {
			o := boot(t, "probe", cores, "-n", fmt.Sprint(n), "fanloss", form)
			if c := o.Cores[victim]; c.State != "exited" || c.ExitCode != 2 {
				t.Errorf("core %d is %s, code %d; want exited, 2", victim, c.State, c.ExitCode)
			}
			o.wantLine(victim, "panic: this core's end, with a request in hand")
			o.wantLine(0, "fanout: lost core 1: urpc: closed: the answer is that of the others")
			o.wantLine(0, fmt.Sprintf("%s: %d operations, %d members left", form, n, cores-2))
			for i, c := range o.Cores {
				if i == victim {
					continue
				}
				if c.State != "exited" || c.ExitCode != 0 {
					t.Errorf("core %d is %s, code %d", i, c.State, c.ExitCode)
				}
				if i != 0 {
					o.wantLine(i, fmt.Sprintf("%s: core %d answered %d times", form, i, n))
				}
			}
		})
	}
}
