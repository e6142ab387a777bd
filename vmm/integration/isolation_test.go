package integration

import (
	"fmt"
	"strings"
	"testing"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
)

// TestForeignMemory: a core that uses what is another core's in the shared region
// ends, with a report that names what it used and where; the others do not notice.
func TestForeignMemory(t *testing.T) {
	for _, c := range []struct{ how, what, where string }{
		{"write", "write to core 2's block, written by core 2, at 0x10", "main.useForeign"},
		{"add", "write to core 2's block, written by core 2, at 0x10", "main.useForeign"},
		{"copy", "to core 2's block, written by core 2, at 0x10", "runtime.memmove"},
		{"read", "read of core 2's program channel to core 0, written by core 2, at 0x10", "main.useForeign"},
		{"end", "read of memory of the shared region that is for nothing, at 0x10", "main.useForeign"},
	} {
		t.Run(c.how, func(t *testing.T) {
			t.Parallel()
			o := boot(t, "crash", 3, "-core", "1", "foreign", c.how)
			k := o.Cores[1]
			if k.State != "crashed" || k.ExitCode != multikernel.CodeCrash {
				t.Errorf("core 1 %s with code %d, want crashed with %d", k.State, k.ExitCode, multikernel.CodeCrash)
			}
			for _, part := range []string{c.what, c.where, "registers: rip=0x"} {
				if !strings.Contains(k.Error, part) {
					t.Errorf("%q does not say %q", k.Error, part)
				}
			}
			wantUnharmed(o, 1)
		})
	}
}

// TestSharedRegion: without isolation the same stores do what they say.
func TestSharedRegion(t *testing.T) {
	opt := options(t, load(t, "crash", image.LoadOptions{}), 3, "-core", "1", "foreign", "add")
	opt.Shared = true
	o := run(t, opt)
	if k := o.Cores[1]; k.State != "exited" || k.ExitCode != 1 {
		t.Errorf("core 1 %s with code %d, want its program's 1", k.State, k.ExitCode)
	}
	o.wantLine(1, "foreign did not happen")
	wantUnharmed(o, 1)
}

// TestLentPages: a core that was lent pages of two others' pool may use them, by
// whatever instruction comes first, and only those.
func TestLentPages(t *testing.T) {
	for _, how := range []string{"load", "store", "add", "copy", "short", "beyond"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			o := boot(t, "probe", 3, "lent", how)
			if how != "beyond" {
				o.wantOK()
				o.wantLine(2, fmt.Sprintf("lent pages: %s done", how))
				return
			}
			if k := o.Cores[2]; k.State != "crashed" || !strings.Contains(k.Error, "handed over between cores 0 and 1") {
				t.Errorf("core 2 %s: %q", k.State, k.Error)
			}
		})
	}
}

// TestManyCores: where there are many cores a guest gets what it shares with another
// one when it first uses it: its calls, and its pages.
func TestManyCores(t *testing.T) {
	o := boot(t, "probe", 10, "pages", "-n", "3")
	o.wantOK()
}

// TestRefused: what a program's system calls reach beyond its core, they are refused,
// whatever the core is. A process that nothing holds may start others.
func TestRefused(t *testing.T) {
	o := boot(t, "probe", 1, "refused")
	o.wantOK()
	lines := o.logged(0, "refused ")
	if len(lines) != 9 {
		t.Errorf("%d attempts, want 9", len(lines))
	}
	for _, line := range lines {
		if !onHosted() && strings.Contains(line, "signal") {
			continue // there is no other process
		}
		if !strings.Contains(line, ": true (") {
			t.Errorf("not refused: %s", line)
		}
	}
	if !onHosted() {
		return
	}
	opt := options(t, load(t, "probe", image.LoadOptions{}), 1, "refused")
	opt.Confined = false
	run(t, opt).wantLine(0, "refused open a socket: false")
}
