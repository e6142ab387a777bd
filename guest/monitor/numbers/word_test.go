package numbers

import "testing"

func TestWord(t *testing.T) {
	const text = "abcdefghijklmnop"
	for size := 1; size <= len(text); size++ {
		s := text[:size]
		for n := 1; n <= min(7, size); n++ {
			var want uint64
			for i, b := range []byte(s[size-n:]) {
				want |= uint64(b) << (8 * i)
			}
			if got := Tail(s, n); got != want {
				t.Errorf("the last %d bytes of %q are %#x, want %#x", n, s, got, want)
			}
		}
	}
	if got := Word(text[1:]); got != 0x6968676665646362 {
		t.Errorf("%q begins with %#x", text[1:], got)
	}
}
