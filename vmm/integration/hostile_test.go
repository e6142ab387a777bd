package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
)

// hostileKinds are the -only of image hostile: first those that a process has too.
var hostileKinds = []string{"write", "send", "bell", "call", "foreign", "device", "register", "kernel", "table"}

const hostileOfProcesses = 5

// TestHostileCore: whatever a core does, the VMM lives, the others exchange all of
// their messages with each other, and the hostile one ends by what it did, which is
// named, or goes on.
func TestHostileCore(t *testing.T) {
	seeds := scaled(uint64(4), 1)
	var runs [][]string
	for seed := range seeds {
		runs = append(runs, []string{"-seed", fmt.Sprint(seed)})
	}
	kinds := hostileKinds
	if onHosted() {
		kinds = kinds[:hostileOfProcesses]
	}
	for _, kind := range kinds {
		for seed := range seeds {
			runs = append(runs, []string{"-only", kind, "-seed", fmt.Sprint(100 + seed), "-steps", fmt.Sprint(scaled(2000, 500))})
		}
	}
	for _, args := range runs {
		t.Run(strings.Join(args, " "), func(t *testing.T) { withHostile(t, args...) })
	}
}

// withHostile runs core 1 as the hostile one.
func withHostile(t *testing.T, args ...string) {
	const cores, culprit = 3, 1
	rounds := scaled(1000, 500) // each a wake-up where the CPUs are busy
	opt := options(t, load(t, "hostile", image.LoadOptions{}), cores, append([]string{"-n", fmt.Sprint(rounds)}, args...)...)
	opt.Watchdog = 2 * time.Second
	commands, over := make(chan multikernel.Command), make(chan struct{})
	opt.Commands = commands
	// Once the others have done, the culprit may go on for ever, whatever state it is in.
	go func() {
		for {
			reply := make(chan multikernel.Reply, 1)
			select {
			case commands <- multikernel.Command{Op: multikernel.OpStatus, Reply: reply}:
			case <-over:
				return
			}
			done := true
			select {
			case r := <-reply:
				if r.Err != nil {
					return // the run ends by itself
				}
				for _, c := range r.Status.Cores {
					done = done && (c.Core == culprit || c.State == "exited" || c.State == "crashed")
				}
			case <-over:
				return
			}
			if done {
				break
			}
			time.Sleep(2 * time.Millisecond)
		}
		select {
		case commands <- multikernel.Command{Op: multikernel.OpKill, Core: culprit}:
		case <-over:
		}
	}()
	o := run(t, opt)
	close(over)
	for i, c := range o.Cores {
		switch {
		case i == culprit && c.State == "exited" && c.ExitCode == 0:
			// it goes on to its own end; what it prints may be broken
		case i == culprit && !strings.HasPrefix(c.Error, "core 1: "):
			t.Errorf("the hostile core is %s, and nothing tells why: %q", c.State, c.Error)
		case i != culprit:
			if c.State != "exited" || c.ExitCode != 0 || c.Error != "" {
				t.Errorf("core %d: %s with code %d: %s", i, c.State, c.ExitCode, c.Error)
			}
			o.wantLine(i, fmt.Sprintf("talk: %d round trips with each of 1 cores", rounds))
		}
	}
}
