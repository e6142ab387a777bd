package report

import (
	"reflect"
	"testing"

	"barreleye/guest/monitor/caps"
	"barreleye/guest/monitor/ledger"
)

// some is a report with something of everything in it.
func some() Caps {
	ram := caps.Extent{Type: caps.RAM, Base: 64 << 20, Size: 4 * caps.PageSize}
	frame := caps.Extent{Type: caps.Frame, Base: 64 << 20, Size: caps.PageSize}
	return Caps{
		Core: 3, Ready: true, Area: caps.Extent{Type: caps.RAM, Base: 64 << 20, Size: 64 * caps.PageSize}, Free: 60 * caps.PageSize,
		Objects: []Object{
			{caps.Object{ID: 1, Extent: ram, Copies: []caps.Rights{caps.All, caps.Read}}, 7},
			{caps.Object{ID: 4, Parent: 1, Extent: frame}, 0},
		},
		Entries: []ledger.Entry{
			{ID: 7, Extent: ram, Owner: 3, Holders: []ledger.Holding{{Core: 3, Rights: caps.All}}},
			{ID: 9, Parent: 7, Extent: frame, Owner: 1, Holders: []ledger.Holding{{Core: 1, Rights: caps.Read}, {Core: 2}}},
		},
	}
}

// TestCaps: what is said is read, and nothing that was cut off.
func TestCaps(t *testing.T) {
	want := some()
	b := want.Append(nil)
	got, err := ParseCaps(b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for n := range b {
		if _, err := ParseCaps(b[:n]); err == nil {
			t.Errorf("%d of %d bytes are a report", n, len(b))
		}
	}
	if _, err := ParseCaps(append(b, 0)); err == nil {
		t.Error("something follows it")
	}
}

// FuzzParseCaps: no report makes the VMM panic, or take long.
func FuzzParseCaps(f *testing.F) {
	one := some()
	f.Add(one.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ParseCaps(b); err == nil && (c.Core < 0 || len(c.Objects) > len(b)) {
			t.Errorf("%+v", c)
		}
	})
}
