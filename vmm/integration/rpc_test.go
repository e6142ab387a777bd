package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"barreleye/vmm/image"
)

// TestRPC has cores call each other, both ways over each channel. The image
// checks the answers; here they are counted.
func TestRPC(t *testing.T) {
	n := scaled(2000, 200)
	for _, cores := range []int{2, 3} {
		for _, callers := range []int{1, 20} {
			t.Run(fmt.Sprintf("%d cores %d callers", cores, callers), func(t *testing.T) {
				args := []string{"-n", fmt.Sprint(n), "-callers", fmt.Sprint(callers), "-seed", fmt.Sprint(time.Now().UnixNano() % 1e9)}
				t.Log(args)
				o := boot(t, "rpc", cores, args...)
				o.wantOK()
				allGiven := 0
				for core := range cores {
					lines := o.logged(core, "rpc: core ")
					if len(lines) != cores-1 {
						t.Errorf("core %d printed %q, want a line for each of %d peers", core, lines, cores-1)
					}
					for _, line := range lines {
						var peer, answers, given, waited int
						if _, err := fmt.Sscanf(line, "rpc: core %d: %d answers are right, %d calls were given up; %d of its calls waited",
							&peer, &answers, &given, &waited); err != nil || answers+given != n {
							t.Errorf("core %d: %q, want %d calls: %v", core, line, n, err)
						}
						allGiven += given
					}
				}
				if allGiven == 0 { // one of twenty is, drawn at random
					t.Error("no call was given up")
				}
			})
		}
	}
}

// TestRPCAsleep has cores that sleep at once and have no tick, so that nothing
// hides a line whose reader was not woken.
func TestRPCAsleep(t *testing.T) {
	n := scaled(1000, 100)
	for _, callers := range []int{1, 6} {
		opt := options(t, load(t, "rpc", image.LoadOptions{}), 2, "-n", fmt.Sprint(n), "-callers", fmt.Sprint(callers))
		opt.Tick, opt.Poll = 0, "0s"
		o := run(t, opt)
		o.wantOK()
		for core := range 2 {
			o.wantLine(core, fmt.Sprintf("rpc: core %d: ", 1-core))
		}
	}
}

// TestRPCDeath: callers of a core that ends get an error, whatever they wait for,
// and go on with the others.
func TestRPCDeath(t *testing.T) {
	n := scaled(2000, 200)
	o := boot(t, "rpc", 3, "-n", fmt.Sprint(n), "-die", fmt.Sprint(n/2))
	o.wantOK()
	o.wantLine(1, fmt.Sprintf("rpc: core 1 ends after %d calls", n/2))
	for _, core := range []int{0, 2} {
		o.wantLine(core, "rpc: core 1 is gone: urpc: closed, after ")
		o.wantLine(core, fmt.Sprintf("rpc: core %d: ", 2-core))
	}
}

func TestRPCRefuses(t *testing.T) {
	o := boot(t, "rpc", 1)
	if o.ExitCode != 1 || !strings.Contains(o.log(0), "rpc: core 0: 1 core: calls go between cores") {
		t.Errorf("code %d: %s", o.ExitCode, o.console())
	}
}
