package numbers

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	b := AppendText(binary.AppendUvarint(AppendText(nil, "name"), 300), "")
	r := Text{Rest: string(b)}
	if s, n, empty := r.Text(), r.Number(), r.Text(); s != "name" || n != 300 || empty != "" || r.Bad || r.Rest != "" {
		t.Errorf("%q, %d, %q: %+v", s, n, empty, r)
	}
	if s, n := r.Text(), r.Number(); s != "" || n != 0 || !r.Bad {
		t.Errorf("%q and %d behind the end: %+v", s, n, r)
	}
	r = Text{Rest: "\x06name\x01"} // a byte is missing; after that nothing is read
	if s, n := r.Text(), r.Number(); s != "" || n != 0 || !r.Bad || r.Rest != "" {
		t.Errorf("%q, %d: %+v", s, n, r)
	}
}

// FuzzNumber: a number is what the standard library says it is.
func FuzzNumber(f *testing.F) {
	for _, v := range []uint64{0, 127, 128, 300, 1 << 35, math.MaxUint64} {
		f.Add(binary.AppendUvarint(nil, v))
	}
	f.Add([]byte(strings.Repeat("\xff", 9) + "\x02"))
	f.Add([]byte(strings.Repeat("\x80", 10) + "\x00"))
	f.Add([]byte("\x80"))
	f.Fuzz(func(t *testing.T, b []byte) {
		want, n := binary.Uvarint(b)
		r := Text{Rest: string(b)}
		got := r.Number()
		if n <= 0 {
			if got != 0 || !r.Bad || r.Rest != "" {
				t.Errorf("%x: %d, %+v; want it refused", b, got, r)
			}
			return
		}
		if got != want || r.Bad || r.Rest != string(b[n:]) {
			t.Errorf("%x: %d, %+v; want %d", b, got, r, want)
		}
	})
}
