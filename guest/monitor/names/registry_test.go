package names

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"barreleye/guest/monitor/agreement"
)

func must(op agreement.Op, err error) agreement.Op {
	if err != nil {
		panic(err)
	}
	return op
}

// do commits an operation as one core alone would, and reports whether it may.
func (r *Registry) do(op agreement.Op) bool {
	if !TwoPhases(op) {
		r.Apply(op)
		return true
	}
	if !r.Prepare(op) {
		return false
	}
	r.Commit(op, true)
	return true
}

// conflicts returns about how many names something is prepared.
func (r *Registry) conflicts() int {
	return len(r.sorted(func(a *about) bool { return a.prepared != [2]bool{} }))
}

func events(r *Registry) string {
	var s []string
	for _, c := range r.Changes() {
		s = append(s, fmt.Sprint(c.Event, c.Name, c.Core, c.Text))
	}
	return strings.Join(s, " ")
}

func TestServices(t *testing.T) {
	r := New()
	db := must(Export(1, "db", 7, Property{"kind", "kv"}, Property{"area", "a"}))
	if !r.do(db) || r.do(must(Export(2, "db", 8))) || r.do(db) {
		t.Error("a name is taken once")
	}
	if !r.do(must(Export(2, "log", 9, Property{"area", "a"}))) {
		t.Error("another name is free")
	}
	s, ok := r.Lookup("db")
	if !ok || s.Core != 1 || s.Number != 7 || !slices.Equal(s.Properties, []Property{{"area", "a"}, {"kind", "kv"}}) {
		t.Errorf("%+v, %v", s, ok)
	}
	for want, got := range map[string][]Service{
		"db log": r.Find(Property{"area", "a"}), "db": r.Find(Property{"kind", "kv"}, Property{"area", "a"}),
		"": r.Find(Property{"kind", "file"}),
	} {
		var list []string
		for _, s := range got {
			list = append(list, s.Name)
		}
		if strings.Join(list, " ") != want {
			t.Errorf("found %v, want %s", list, want)
		}
	}
	if r.do(must(Withdraw(2, "db"))) || r.do(must(Withdraw(1, "none"))) || !r.do(must(Withdraw(1, "db"))) {
		t.Error("only who offers a service withdraws it")
	}
	if _, ok := r.Lookup("db"); ok {
		t.Error("still there")
	}
	if got := events(r); got != "1db1 1log2 2db1" {
		t.Error(got)
	}
}

func TestLocks(t *testing.T) {
	r := New()
	if !r.do(must(Lock(3, "l"))) || r.do(must(Lock(4, "l"))) || r.do(must(Lock(3, "l"))) || r.do(must(Unlock(4, "l"))) {
		t.Error("one core holds a lock")
	}
	if core, held := r.Holder("l"); !held || core != 3 {
		t.Error(core, held)
	}
	if !r.do(must(Unlock(3, "l"))) || r.do(must(Unlock(3, "l"))) {
		t.Error("it gives it back once")
	}
	if !r.do(must(Export(1, "l", 0))) {
		t.Error("a lock's name is no service's")
	}
}

// TestConflicts: what is prepared keeps out what is in conflict, until it ends.
func TestConflicts(t *testing.T) {
	r := New()
	a, b, other := must(Lock(1, "l")), must(Lock(2, "l")), must(Lock(2, "m"))
	if !r.Prepare(a) || r.Prepare(b) || !r.Prepare(other) {
		t.Error("conflict")
	}
	r.Abort(a)
	if !r.Prepare(b) {
		t.Error("after the abort it is free")
	}
	r.Commit(b, true)
	r.Commit(other, true)
	if core, _ := r.Holder("l"); core != 2 || r.conflicts() != 0 {
		t.Error(core, r.conflicts())
	}
}

// TestForgotten: what was asked about, and is nothing, does not stay for ever.
func TestForgotten(t *testing.T) {
	r := New()
	for i := range 1000 {
		name := fmt.Sprint("name ", i)
		for _, op := range []agreement.Op{must(Lock(1, name)), must(Export(1, name, 1)), must(Unlock(1, name)), must(Withdraw(1, name))} {
			if !r.do(op) {
				t.Fatal(op)
			}
		}
		if r.Prepare(must(Unlock(1, "no "+name))) {
			t.Fatal("nobody holds it")
		}
	}
	if len(r.names) > lately {
		t.Errorf("%d names", len(r.names))
	}
	for i := range lately {
		r.do(must(Lock(i, fmt.Sprint("kept ", i))))
	}
	for i := range 20 * lately { // their readings go
		r.do(must(Publish(1, fmt.Sprint("topic ", i), "")))
	}
	for i := range lately {
		r.Gone(i)
	}
	if len(r.names) != 0 {
		t.Errorf("%d names after deaths", len(r.names))
	}
}

// TestDeath: all that a core had is free, and others are told.
func TestDeath(t *testing.T) {
	r := New()
	for _, op := range []agreement.Op{must(Lock(1, "a")), must(Lock(2, "b")), must(Export(1, "s", 1)), must(Export(2, "t", 1)), must(Publish(1, "news", "x"))} {
		if !r.do(op) {
			t.Fatal(op)
		}
	}
	r.Changes()
	r.Gone(1)
	if got := events(r); got != "2s1 4a1" {
		t.Error(got)
	}
	if _, held := r.Holder("a"); held || len(r.services()) != 1 {
		t.Error("still there")
	}
}

// TestOps: what was encoded is decoded, and nothing else.
func TestOps(t *testing.T) {
	op := must(Export(9, "x", 1<<60, Property{"k", "v"}))
	if o, ok := decode(op); !ok || o.core != 9 || o.number != 1<<60 || o.properties[0] != (Property{"k", "v"}) {
		t.Errorf("%+v %v", o, ok)
	}
	for n := range len(op) {
		if _, ok := decode(op[:n]); ok {
			t.Errorf("%d bytes of %d decoded", n, len(op))
		}
	}
	r := New()
	for _, bad := range []agreement.Op{"", op + "x", "\x00" + op[1:], "\x99" + op[1:], must(Publish(1, "t", "x"))} {
		if r.Prepare(bad) {
			t.Errorf("%q was prepared", bad)
		}
	}
	r.Apply("nonsense")
	r.Apply(op)
	if len(r.services()) != 0 || events(r) != "" {
		t.Error("an operation that cannot be applied was")
	}
	for _, name := range []string{"", strings.Repeat("n", agreement.MaxOp)} {
		if _, err := Lock(1, name); err == nil || !strings.Contains(err.Error(), "shorter name") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if o, _ := decode("\x01\xff\xff\xff\x7f"); o.core > 1<<16 {
		t.Error(o.core)
	}
}

// TestSaved: a loaded replica is the saved one; half of one is refused and changes nothing.
func TestSaved(t *testing.T) {
	r := New()
	for i := range 20 {
		r.do(must(Export(i, fmt.Sprint("s", i), uint64(i), Property{"i", fmt.Sprint(i)})))
		r.do(must(Lock(i, fmt.Sprint("l", i))))
	}
	b := r.Save(nil)
	n := New()
	if err := n.Load(b); err != nil || string(n.Save(nil)) != string(b) {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{b[:len(b)-1], b[:len(b)/2], append(slices.Clone(b), 0), nil} {
		if err := n.Load(bad); err == nil || string(n.Save(nil)) != string(b) {
			t.Errorf("%d bytes of %d: %v", len(bad), len(b), err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(string(must(Export(9, "x", 1<<60, Property{"k", "v"}))))
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > agreement.MaxOp {
			return
		}
		r := New()
		o, ok := decode(agreement.Op(s))
		if r.Prepare(agreement.Op(s)) && (!ok || o.name == "") {
			t.Errorf("%q was prepared", s)
		}
		r.Apply(agreement.Op(s))
		if err := r.Load([]byte(s)); err == nil {
			if again := New(); again.Load(r.Save(nil)) != nil {
				t.Errorf("%q loads, and not again", s)
			}
		}
	})
}
