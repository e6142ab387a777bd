package integration

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/supervise"
)

// TestNames: cores find each other's services by name and property, call them, hear what
// is published, and wait for each other.
func TestNames(t *testing.T) {
	for _, n := range []int{1, 2, scaled(8, 4)} {
		o := boot(t, "names", n, "check")
		o.wantOK()
		for i := range n {
			o.wantLine(i, fmt.Sprintf("%d services found, called, and gone", n))
		}
	}
}

// TestNamesOverTree: the same where monitors speak to their neighbours only.
func TestNamesOverTree(t *testing.T) {
	n := scaled(8, 5)
	opt := options(t, load(t, "names", image.LoadOptions{}), n, "check")
	opt.Monitors = multikernel.MonitorsTree
	o := run(t, opt)
	o.wantOK()
	for i := range n {
		o.wantLine(i, fmt.Sprintf("%d services found, called, and gone", n))
	}
}

// TestStubsByName: cores wait for services to appear, bind them and call them by typed stubs.
func TestStubsByName(t *testing.T) {
	n := scaled(5, 3)
	o := boot(t, "names", n, "stubs")
	o.wantOK()
	for i := range n {
		o.wantLine(i, fmt.Sprintf("%d desks called by name", n-1))
	}
}

// TestLeases: a core ends with a lock, a service and a place at a barrier. The others see
// each come and go, get the lock, and pass the barrier.
func TestLeases(t *testing.T) {
	o := boot(t, "names", 4, "leases")
	o.wantOK()
	o.wantLine(1, "ends with all that it has")
	for _, i := range []int{0, 2, 3} {
		o.wantLine(i, "all that core 1 had is free")
	}
}

// TestNamesOfTheDead: cores end while they hold a lock and offer a service. Both are free
// for the others, and for their next lives.
func TestNamesOfTheDead(t *testing.T) {
	opt := options(t, load(t, "names", image.LoadOptions{}), 4, "-n", "10", "-die", "2", "storm")
	opt.Restart.Restart = supervise.OnFailure
	o := run(t, opt)
	o.wantOK()
	for i := range 4 {
		o.wantLine(i, "10 turns")
		if i == 1 || i == 2 {
			o.wantLine(i, "ends inside")
		}
	}
}

// TestNamesInAStorm: cores are killed at random moments, while all agree on one thing after
// the other. Who lives goes on, and who returns takes part again.
func TestNamesInAStorm(t *testing.T) { namesInAStorm(t, 4, multikernel.MonitorsDirect) }

// TestNamesInAStormOverTree: the same, with cores among the killed over which others agree.
func TestNamesInAStormOverTree(t *testing.T) {
	namesInAStorm(t, scaled(7, 5), multikernel.MonitorsTree)
}

func namesInAStorm(t *testing.T, cores int, monitors string) {
	kills := scaled(30, 4)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	opt := options(t, load(t, "names", image.LoadOptions{}), cores, "-n", fmt.Sprint(scaled(100, 20)), "-stay", "storm")
	opt.Monitors = monitors
	opt.Restart = supervise.Policy{Restart: supervise.OnFailure, Intensity: supervise.Intensity{Restarts: 1 << 20, Within: time.Second}}
	o := command(t, opt, "in the storm", func(do func(multikernel.Command) multikernel.Reply) {
		for range kills {
			// it may have ended well by now, which is no fault; core 0 has not
			do(multikernel.Command{Op: multikernel.OpKill, Core: 1 + r.IntN(cores-1)})
			time.Sleep(time.Duration(r.IntN(20_000)) * time.Microsecond) // any moment will do
		}
		if r := do(multikernel.Command{Op: multikernel.OpStop, Core: 0, Drain: true}); r.Err != nil {
			t.Error(r.Err)
		}
	})
	if o.ExitCode != 0 {
		t.Errorf("exit code %d", o.ExitCode)
	}
	o.wantLine(0, " turns")
	for _, c := range o.Cores {
		if len(c.Lives) > 1 {
			t.Logf("core %d lived %d times", c.Core, len(c.Lives))
		}
	}
}
