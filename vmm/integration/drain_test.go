package integration

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"barreleye/vmm/multikernel"
)

// TestDrainUnderLoad: cores that stream as fast as they can are stopped, restarted and
// updated; every message of every life arrives, and then its end.
func TestDrainUnderLoad(t *testing.T) {
	rounds := uint64(scaled(5, 2))
	o := commanded(t, 3, "draining", "streaming", func(do func(multikernel.Command) multikernel.Reply) {
		streams := func(core int) { // it has asked to be told
			for start := time.Now(); do(multikernel.Command{Op: multikernel.OpStatus}).Status.Cores[core].Sent < 1000; {
				if time.Since(start) > hang() {
					t.Fatalf("core %d sends nothing", core)
				}
			}
		}
		for life := uint64(2); life <= rounds; life++ {
			for core := 1; core <= 2; core++ {
				if r := do(multikernel.Command{Op: multikernel.OpRestart, Core: core, Drain: true}); r.Err != nil || r.Life != life {
					t.Errorf("core %d: life %d, %v; want %d", core, r.Life, r.Err, life)
				}
				streams(core)
			}
		}
		for core := 2; core >= 0; core-- {
			if r := do(multikernel.Command{Op: multikernel.OpStop, Core: core, Drain: true}); r.Err != nil {
				t.Error(r.Err)
			}
		}
	})
	o.wantOK()
	got := o.logged(0, "core ")
	var want []string
	for core := 1; core <= 2; core++ {
		for life := uint64(1); life <= rounds; life++ {
			want = append(want, fmt.Sprintf("core %d life %d: all of its messages came", core, life))
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
