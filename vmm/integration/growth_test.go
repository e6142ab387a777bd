package integration

import (
	"strings"
	"testing"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
)

// growing returns how a test runs an image on cores that begin with 32 MiB.
func growing(t *testing.T, name string, limit uint64, args ...string) *multikernel.Options {
	opt := options(t, load(t, name, image.LoadOptions{}), 2, args...)
	opt.Memory, opt.MaxMemory = 32<<20, limit
	return opt
}

// TestMemoryGrows: a program may use more memory than its core began with, which the host
// has back when it needs that no more; and so may copies of a core.
func TestMemoryGrows(t *testing.T) {
	for _, clone := range []bool{false, true} {
		opt := growing(t, "memory", 512<<20, "-n", "50", "-churn", "16", "-hold", scaled("120", "40"))
		opt.Clone = clone && !onHosted()
		o := run(t, opt)
		o.wantOK()
		for i, c := range o.Cores {
			o.wantLine(i, "memory: ok: ")
			if c.FramesLimit<<12 != 512<<20 {
				t.Errorf("core %d may have %d MiB", i, c.FramesLimit>>8)
			}
			if n := c.FramesTotal << 12; !onHosted() && (n < 32<<20 || n > 72<<20 || c.ResidentKiB > 72<<10) {
				t.Errorf("core %d has %d MiB at the end, %d resident", i, n>>20, c.ResidentKiB>>10)
			}
		}
	}
}

// TestMemoryEnds: at its limit a core's program gets an error, and the log says what helps.
func TestMemoryEnds(t *testing.T) {
	o := run(t, growing(t, "memory", 48<<20, "-n", "50", "-churn", "16", "-hold", "60"))
	for i, c := range o.Cores {
		o.wantLine(i, "memory: core ")
		o.wantLine(i, "cannot allocate memory")
		if c.ExitCode != 1 || c.FramesLimit<<12 != 48<<20 {
			t.Errorf("core %d exited with code %d, limit %d MiB", i, c.ExitCode, c.FramesLimit>>8)
		}
		if !onHosted() {
			o.wantLine(i, "of 49152 KiB in use; run with a larger --max-memory")
		}
	}
}

// TestMemoryOfTheHostEnds: where the host has none, the same happens before the limit.
func TestMemoryOfTheHostEnds(t *testing.T) {
	needGuests(t, "Linux gives processes memory")
	opt := growing(t, "crash", 1<<30, "-core", "0", "oom")
	opt.Available = func() uint64 { return 66 << 20 }
	o := run(t, opt)
	o.wantLine(0, "the host has no more to give: run fewer cores, or free memory there")
	if said := o.logged(0, "fatal error: "); len(said) != 1 || !strings.Contains(said[0], "out of memory") {
		t.Errorf("core 0 ended with %q", said)
	}
	wantUnharmed(o, 0)
}
