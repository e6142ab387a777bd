package bench

import (
	"slices"
	"testing"

	"barreleye/vmm/kvm"
)

// TestInterruptRows: the rows that only virtual machines have are there, each with
// samples, and on PVM a trap costs more than a jump.
func TestInterruptRows(t *testing.T) {
	onPlatforms(t, func(t *testing.T, o Options) {
		o.few = 3
		trapped, err := trappedRows(o)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := interruptRows(o)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, r := range append(trapped, rows...) {
			names = append(names, r.Name)
			if r.Percentiles.N < 3 || r.Median <= 0 {
				t.Errorf("%s: %d samples, median %v", r.Name, r.Percentiles.N, r.Median)
			}
		}
		var want []string
		if o.onKVM() {
			want = []string{"driver_syscall_trapped", "driver_tick", "driver_doorbell"}
			if o.Platform.Flavour == kvm.PVM && len(trapped) == 1 && trapped[0].Ratio < 2 {
				t.Errorf("a trap costs %v of a patched call", trapped[0].Ratio)
			}
		}
		if !slices.Equal(names, want) {
			t.Errorf("rows %v, want %v", names, want)
		}
	})
}

// TestMapRows: the rows of mapped frames are there for virtual machines, each beside a
// process's.
func TestMapRows(t *testing.T) {
	onPlatforms(t, func(t *testing.T, o Options) {
		o.few = 3
		rows, err := mapRows(o)
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		if o.onKVM() {
			want = 12
		}
		if len(rows) != want {
			t.Errorf("%d rows, want %d", len(rows), want)
		}
		for _, r := range rows {
			if r.Percentiles.N < 3 || r.Median <= 0 || r.Limit <= 0 {
				t.Errorf("%s: %d samples, median %v, a process's %v", r.Name, r.Percentiles.N, r.Median, r.Limit)
			}
		}
	})
}
