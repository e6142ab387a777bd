package cli

import (
	"testing"
	"time"
)

func TestMemory(t *testing.T) {
	for _, c := range []struct {
		in   string
		want memory
		show string
	}{
		{"64M", 64 << 20, "64M"},
		{"64m", 64 << 20, "64M"},
		{"1G", 1 << 30, "1G"},
		{"65536K", 64 << 20, "64M"},
		{"67108864", 64 << 20, "64M"},
		{"1025k", 1025 << 10, "1025K"},
		{"0", 0, "0"},
		{"1", 1, "1"},
		{"17179869183G", 17179869183 << 30, "17179869183G"},
	} {
		var m memory
		if err := m.Set(c.in); err != nil || m != c.want {
			t.Errorf("%q: got %d, %v, want %d", c.in, m, err, c.want)
		}
		if s := m.String(); s != c.show {
			t.Errorf("%q: shown as %q, want %q", c.in, s, c.show)
		}
	}
	for _, in := range []string{"", "M", "-1M", "+1M", "1.5G", "64MB", "64 M", "1T", "0x10", "17179869184G", "18446744073709551616"} {
		m := memory(7)
		if err := m.Set(in); err == nil || m != 7 {
			t.Errorf("%q: got %d, want an error and the old value", in, m)
		}
	}
}

func TestFormat(t *testing.T) {
	var f format
	for _, in := range []string{"text", "json"} {
		if err := f.Set(in); err != nil || f.String() != in {
			t.Errorf("%q: got %q, %v", in, f, err)
		}
	}
	if err := f.Set("JSON"); err == nil {
		t.Error("JSON: want an error")
	}
}

func TestAge(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"0": 0, "0d": 0, "90m": 90 * time.Minute, "12h30m": 12*time.Hour + 30*time.Minute, "7d": 168 * time.Hour,
	} {
		var a age
		if err := a.Set(in); err != nil || time.Duration(a) != want {
			t.Errorf("%q: got %v, %v, want %v", in, time.Duration(a), err, want)
		}
	}
	for _, in := range []string{"", "d", "7", "-1h", "-1d", "1.5d", "1d12h", "99999999d"} {
		a := age(time.Hour)
		if err := a.Set(in); err == nil || a != age(time.Hour) {
			t.Errorf("%q: got %v, want an error and the old value", in, time.Duration(a))
		}
	}
}
