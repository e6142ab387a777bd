package names

import (
	"testing"

	"barreleye/guest/monitor/agreement"
)

// TestUndo: what an operation did is undone by another one, as if it had never been.
func TestUndo(t *testing.T) {
	for _, op := range []agreement.Op{must(Lock(1, "l")), must(Export(1, "s", 3, Property{"k", "v"}))} {
		r := New()
		before := string(r.Save(nil))
		if !r.do(op) || string(r.Save(nil)) == before {
			t.Errorf("%s: no effect", Describe(op))
		}
		if undo := Undo(op); !r.do(undo) || string(r.Save(nil)) != before {
			t.Errorf("%s: not undone by %s", Describe(op), Describe(undo))
		}
	}
	for _, op := range []agreement.Op{must(Unlock(1, "l")), must(Withdraw(1, "s")), must(Publish(1, "t", "x")), "", "\x50?"} {
		if undo := Undo(op); undo != "" {
			t.Errorf("%s: undone by %s", Describe(op), Describe(undo))
		}
	}
}
