package integration

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"barreleye/vmm/image"
	"barreleye/vmm/supervise"
)

// TestDomainShares has domains compute for ever side by side. What each got is
// counted by the driver (by Linux, where cores are processes), until they have had a time
// together: however slow the host is, that does not change the parts. At any moment a
// domain is a turn or so ahead or behind, and a turn lasts up to a tick and a quarter: the time is
// so long that this is less than the bound, at the begin and the end together.
func TestDomainShares(t *testing.T) {
	for _, shares := range []string{"300,100", "100,100,200"} {
		o := boot(t, "domains", 1, "-shares", shares, "-total", "3s", "shares")
		o.wantOK()
		var off float64
		for _, line := range o.logged(0, "shares: ") {
			fmt.Sscanf(line, "shares: %f %% off at most", &off)
		}
		o.wantLine(0, "off at most")
		if off > 5 {
			t.Errorf("shares %s: %.1f %% off, want 5 at most", shares, off)
		}
	}
}

// TestDomainsShareWhatTheCoreHad has something else compute on the core's CPU: domains are not
// charged with the time that it gets.
func TestDomainsShareWhatTheCoreHad(t *testing.T) {
	needGuests(t, "where cores are processes Linux counts")
	var cpus unix.CPUSet
	if err := unix.SchedGetaffinity(0, &cpus); err != nil {
		t.Fatal(err)
	}
	cpu := 0
	for !cpus.IsSet(cpu) {
		cpu++
	}
	opt := options(t, load(t, "domains", image.LoadOptions{}), 1, "-total", "1s", "shares")
	opt.Pin = fmt.Sprint(cpu)
	stop := beside(t, cpu)
	o := run(t, opt)
	stop()
	o.wantOK()
	if o.Cores[0].StealNS == 0 {
		t.Skip("this kernel does not measure for how long a thread waits for a CPU")
	}
	var off, ran float64
	for _, line := range o.logged(0, "shares: ") {
		fmt.Sscanf(line, "shares: %f %% off at most; the domains ran for %f s", &off, &ran)
	}
	// What else had the CPU had half of the time, or more.
	if had := float64(o.Cores[0].CPUNS) / 1e9; ran == 0 || ran > had*1.5 {
		t.Errorf("the domains were charged with %.3f s, and the core's thread had the CPU for %.3f s", ran, had)
	}
}

// beside has a thread of this process compute on a CPU until stop is called.
func beside(t *testing.T, cpu int) (stop func()) {
	var over atomic.Bool
	begun := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		var set unix.CPUSet
		set.Set(cpu)
		begun <- unix.SchedSetaffinity(0, &set)
		for !over.Load() {
		}
	}()
	if err := <-begun; err != nil {
		t.Fatal(err)
	}
	stop = func() { over.Store(true) }
	t.Cleanup(stop)
	return stop
}

// TestDomainCalls: calls between domains of a core, nested, that fault, and that
// would never end. The image checks them.
func TestDomainCalls(t *testing.T) {
	o := boot(t, "domains", 1, "calls")
	o.wantOK()
	o.wantLine(0, "calls: all as they should be")
	o.wantLine(0, `fault: core 0: domain "adder": fault: runtime error: integer divide by zero`)
}

// TestDomainSpan has a domain go on on further cores, and talk to its parts there.
func TestDomainSpan(t *testing.T) {
	o := boot(t, "domains", 3, "-n", "500", "span")
	o.wantOK()
	o.wantLine(0, "span: the domain runs on cores [0 1 2]")
	o.wantLine(0, "span: 500 messages to each of 2 parts and their answers")
}

// TestDomainSpanDeath: a core ends while a domain spans it. The domain hears so and
// goes on with the others.
func TestDomainSpanDeath(t *testing.T) {
	o := boot(t, "domains", 3, "-n", "100", "-die", "1", "span")
	o.wantOK()
	o.wantLine(1, "span: this core ends")
	o.wantLine(0, "span: core 1 is gone; the domain runs on cores [0 2]")
	o.wantLine(0, `span: fault: core 1: domain "adders": the dispatcher has ended`)
	o.wantLine(0, "span: the channel to core 1 ended: urpc: closed")
}

// TestDomainSpanAgain: a core to which a domain spans is not started, or ends meanwhile;
// it ends later, and the domain spans to its next life, and to the one after that.
func TestDomainSpanAgain(t *testing.T) {
	opt := options(t, load(t, "domains", image.LoadOptions{}), 2, "-n", "100", "-absent", "2", "respan")
	opt.Room = 3
	opt.Restart = supervise.Policy{
		Cores:     map[int]supervise.Restart{1: supervise.OnFailure},
		Intensity: supervise.Intensity{Restarts: 3, Within: hang()},
	}
	o := run(t, opt)
	if o.ExitCode != 0 {
		t.Errorf("exit code %d", o.ExitCode)
	}
	for _, line := range []string{
		"respan: core 2 is not there; the domain runs on cores [0]", "respan: core 1 ended meanwhile; the domain runs on cores [0]",
		"respan: life 2 of core 1: 100 messages", "respan: life 3 of core 1: 100 messages", "respan: life 4 of core 1: 100 messages",
	} {
		o.wantLine(0, line)
	}
}

// TestDomainUpcalls: a dispatcher is upcalled to run, for a message, a fault and timers.
func TestDomainUpcalls(t *testing.T) {
	o := boot(t, "domains", 1, "upcalls")
	o.wantOK()
	o.wantLine(0, "upcalls: run, message, timer, fault, timer after the fault")
}

// TestManyDomains has 16 domains call each other in a ring while the collector runs.
func TestManyDomains(t *testing.T) {
	n := scaled(200, 50)
	o := boot(t, "domains", 1, "-count", "16", "-rounds", fmt.Sprint(n), "many")
	o.wantOK()
	o.wantLine(0, fmt.Sprintf("many: %d calls around 16 domains", n))
}

// TestCollectDomains has the collector stop up to 8 domains that compute without ever
// calling anything. Nobody starves meanwhile; the image checks that all get on.
func TestCollectDomains(t *testing.T) {
	o := boot(t, "domains", 1, "-rounds", fmt.Sprint(scaled(20, 5)), "collect")
	o.wantOK()
	o.wantLine(0, "collect: 8 domains compute")
}

// TestPreemptDomains has two domains take turns that never wait.
func TestPreemptDomains(t *testing.T) {
	needGuests(t, "who the host lets run shows no switch where cores are processes")
	o := boot(t, "domains", 1, "-rounds", "20", "preempt")
	o.wantOK()
	o.wantLine(0, "preempt: 20 switches between two domains that compute")
}

// TestDomainQueue: callers that wait for a dispatcher are taken in their order, and
// hear of its end.
func TestDomainQueue(t *testing.T) {
	o := boot(t, "domains", 1, "queue")
	o.wantOK()
	o.wantLine(0, "queue: 8 callers waited and were served")
	o.wantLine(0, "queue: 9 callers heard of the end of whom they waited for")
}

// TestDomainPriority: who has the higher priority has the core for itself, but for the
// runtime's threads. The image checks it where the driver divides the core.
func TestDomainPriority(t *testing.T) {
	o := boot(t, "domains", 1, "priority")
	o.wantOK()
	o.wantLine(0, "priority: the lower one did ")
	t.Log(o.logged(0, "priority: "))
}
