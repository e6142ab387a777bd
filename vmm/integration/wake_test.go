package integration

import (
	"fmt"
	"testing"
	"time"

	"barreleye/vmm/image"
)

// TestNoWakeUpIsLost: a core that sleeps is woken by every message. No tick
// hides a loss, and the delays put the doorbell at every step of the way down. A busy host
// takes milliseconds for each, so there it is fewer.
func TestNoWakeUpIsLost(t *testing.T) {
	n := scaled(50_000, 10_000)
	opt := options(t, load(t, "wake", image.LoadOptions{}), 2,
		"-n", fmt.Sprint(n), "-for", (hang() / 4).String(), "-seed", fmt.Sprint(time.Now().UnixNano()%1e9)) // printed where one is lost
	opt.Tick, opt.Poll = 0, "0s"
	o := run(t, opt)
	o.wantOK()
	o.wantLine(0, " messages, none lost")
	t.Log(o.logged(0, "wake: "))
	if c := o.Cores[1]; c.Halts == 0 || c.Ticks != 0 {
		t.Errorf("core 1 halted %d times with %d ticks: the test lost its point", c.Halts, c.Ticks)
	}
}

// TestTicksAtAnyInstruction: one-shot timers at random times from the shortest
// interval on, under a load that collects, preempts and faults all the time.
func TestTicksAtAnyInstruction(t *testing.T) {
	needGuests(t, "a process has no ticks")
	opt := options(t, load(t, "soak", image.LoadOptions{}), 2,
		"-for", scaled("20s", "5s"), "-seed", fmt.Sprint(time.Now().UnixNano()%1e9))
	opt.Memory, opt.Populate = 256<<20, true
	opt.Tick = scaled(200*time.Microsecond, 2*time.Millisecond)
	opt.TickSpread = opt.Tick
	o := run(t, opt)
	o.wantOK()
	for i, c := range o.Cores {
		o.wantLine(i, "soak: ok: ")
		t.Logf("core %d: %d ticks, %d system calls, %d exceptions", i, c.Ticks, c.Syscalls, c.Exceptions)
	}
}

// TestBusyCoreIsReached: a message reaches a goroutine that waits although others
// of its core compute without ever calling the runtime. A message that waited for a tick
// is read after one; on a slow host there may be a tick meanwhile for others, but not always.
func TestBusyCoreIsReached(t *testing.T) {
	needGuests(t, "a process has no ticks")
	for _, computing := range []int{1, 3} {
		const n = 60
		opt := options(t, load(t, "wake", image.LoadOptions{}), 2,
			"-n", fmt.Sprint(n), "-max", "5ms", "-busy", fmt.Sprint(computing))
		opt.Tick = time.Second
		o := run(t, opt)
		o.wantOK()
		t.Log(computing, "computing:", o.logged(0, "wake: "))
		c := o.Cores[1]
		t.Logf("core 1: %d ticks, %d doorbells, %d preemptions", c.Ticks, c.Doorbells, c.Preemptions)
		if computing == 1 {
			var without int
			for _, line := range o.logged(0, "wake: ") {
				var n int // of other lines too, before they differ
				if _, err := fmt.Sscanf(line, "wake: %d messages read without a tick", &n); err == nil {
					without = n
				}
			}
			if without == 0 {
				t.Errorf("core 1 took %d ticks, one at least for each of %d messages: they waited for ticks", c.Ticks, n)
			}
		}
	}
}
