package report

import (
	"reflect"
	"testing"

	"barreleye/guest/monitor/agreement"
	"barreleye/guest/monitor/names"
)

// TestReport: what is said is read, and nothing that was cut off.
func TestReport(t *testing.T) {
	r := names.New()
	for _, op := range []func() (agreement.Op, error){
		func() (agreement.Op, error) {
			return names.Export(3, "words", 7, names.Property{Key: "language", Value: "en"})
		},
		func() (agreement.Op, error) { return names.Lock(2, "lock") },
	} {
		o, err := op()
		if err != nil {
			t.Fatal(err)
		}
		r.Commit(o, false)
	}
	want := Monitor{Core: 5, Epoch: 9, Published: 10, Members: []int{1, 5, 63}, Joining: -1, Ready: true, Own: 3, Others: 40, Waiting: 500, Names: r.Save(nil)}
	b := want.Append(nil)
	got, names, err := Parse(b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if s, ok := names.Lookup("words"); !ok || s.Core != 3 || names.Locks()["lock"] != 2 {
		t.Errorf("%+v, locks %v", s, names.Locks())
	}
	for n := range b {
		if _, _, err := Parse(b[:n]); err == nil {
			t.Errorf("%d of %d bytes are a report", n, len(b))
		}
	}
}

// FuzzParse: no report makes the VMM panic, or take long.
func FuzzParse(f *testing.F) {
	f.Add((&Monitor{Members: []int{0, 1}, Joining: -1, Names: names.New().Save(nil)}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, r, err := Parse(b); err == nil && (r == nil || m.Core < 0) {
			t.Errorf("%+v", m)
		}
	})
}
