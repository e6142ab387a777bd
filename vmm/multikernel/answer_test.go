package multikernel

import (
	"testing"

	"barreleye/vmm/lifecycle"
	"barreleye/vmm/supervise"
)

// TestStopOvertaken: a command that stops a life which is being made ready is answered,
// also where a later one has that life begin.
func TestStopOvertaken(t *testing.T) {
	for _, again := range []bool{false, true} {
		tree, err := (&supervise.Policy{}).Tree(1)
		if err != nil {
			t.Fatal(err)
		}
		m := lifecycle.New(1, tree)
		r := &run{machine: m, cores: []*core{{course: course{over: true}}}}
		if err := m.Begin(0); err != nil {
			t.Fatal(err)
		}
		if err := m.Stop(0, false); err != nil {
			t.Fatal(err)
		}
		w := waiting{Command: &Command{Op: OpStop}}
		if err, done := r.outcome(w); done {
			t.Fatalf("answered with %v while it is made ready", err)
		}
		if again {
			if err := m.Restart(0, false); err != nil {
				t.Fatal(err)
			}
		}
		m.Built(0, true)
		err, done := r.outcome(w)
		if want := map[bool]error{true: ErrOvertaken}[again]; !done || err != want {
			t.Errorf("restarted %v: answered %v with %v, want %v", again, done, err, want)
		}
	}
}
