package bench

import (
	"fmt"
	"strings"
	"testing"
)

// TestMonitorShape measures with next to no rounds: all rows are there, with samples, and what
// takes messages beside them.
func TestMonitorShape(t *testing.T) {
	onPlatforms(t, func(t *testing.T, o Options) {
		o.few = 1
		r, err := Monitor(o)
		if err != nil {
			t.Fatal(err)
		}
		limits := map[string]string{}
		for i := range r.Rows {
			row := &r.Rows[i]
			if len(row.Samples) == 0 || row.Median <= 0 && row.Params.Get("cores") != "1" || (row.LimitOf == "") != (len(row.LimitSamples) == 0) {
				t.Errorf("%s: %+v", row.Label(), row)
			}
			limits[row.Label()] = row.LimitOf
		}
		for _, cores := range []int{1, 2, 4, 8} {
			for what, limit := range map[string]string{
				"monitor_lookup/cores=%d": "", "monitor_one_phase/cores=%d": "messages", "monitor_two_phases/cores=%d": "messages",
				"monitor_one_phase/cores=%d/inflight=16": "", "monitor_two_phases/cores=%d/inflight=16": "", "monitor_bind/cores=%d": "messages",
				"monitor_retype/cores=%d/held=here": "", "monitor_revoke/cores=%d/held=here": "",
				"monitor_retype/cores=%d/held=there/inflight=16": "", "monitor_revoke/cores=%d/held=there/inflight=16": "",
				"monitor_ram/cores=%d/from=cache": "", "monitor_ram/cores=%d/from=all": "messages",
				"monitor_retype/cores=%d/held=there": "messages", "monitor_revoke/cores=%d/held=there": "messages",
			} {
				label := fmt.Sprintf(what, cores)
				got, there := limits[label]
				if cores == 1 {
					limit = ""
				}
				if alone := cores == 1 && (what == "monitor_bind/cores=%d" || strings.Contains(what, "held=there")); there == alone || got != limit {
					t.Errorf("%s: there %v, limit of %q, want %q", label, there, got, limit)
				}
			}
		}
		for _, label := range []string{
			"monitor_one_phase/cores=4/over=tree", "monitor_two_phases/cores=8/over=tree", "monitor_two_phases/cores=4/inflight=16/over=tree",
			"monitor_retype/cores=8/held=there/over=tree", "monitor_revoke/cores=4/held=there/over=tree",
		} {
			if _, ok := limits[label]; !ok {
				t.Errorf("no %s", label)
			}
		}
		if s := r.Simulated; s == nil || len(s.Curve) != 6 || len(s.Curve[0].US) != len(sizes) || s.Line <= 0 || s.Wire <= 0 {
			t.Errorf("simulated: %+v", s)
		}
		if limits["monitor_messages/cores=2"] != "4 line transfers" {
			t.Error(limits)
		}
	})
}
