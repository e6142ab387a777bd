package integration

import (
	"fmt"
	"testing"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
)

// TestPagesGoRound: pages handed over between all cores and granted to third ones
// arrive as they were given, with and without the debug mode.
func TestPagesGoRound(t *testing.T) {
	for _, modes := range [][]string{nil, {multikernel.DebugPages}} {
		for _, cores := range []int{2, 4} {
			t.Run(fmt.Sprintf("%d cores, debug %v", cores, modes), func(t *testing.T) {
				n := scaled(100, 20)
				opt := options(t, load(t, "probe", image.LoadOptions{}), cores, "-n", fmt.Sprint(n), "pages")
				opt.Debug = modes
				o := run(t, opt)
				o.wantOK()
				for i := range cores {
					o.wantLine(i, fmt.Sprintf("%d runs to and from each of %d others", n, cores-1))
				}
			})
		}
	}
}

// TestGrantedPagesComeBack: from a core that ends with them.
func TestGrantedPagesComeBack(t *testing.T) {
	o := boot(t, "probe", 3, "pageloss")
	if c := o.Cores[2]; c.State != "exited" || c.ExitCode != 3 {
		t.Errorf("core 2 %s with code %d, want exited with code 3", c.State, c.ExitCode)
	}
	for core, line := range []string{"all pages came back", "core 2 is gone"} {
		o.wantLine(core, line)
		if c := o.Cores[core]; c.State != "exited" || c.ExitCode != 0 {
			t.Errorf("core %d %s with code %d: %s", core, c.State, c.ExitCode, c.Error)
		}
	}
}
