package numbers

import (
	"encoding/binary"
	"testing"
)

func TestReader(t *testing.T) {
	b := binary.AppendUvarint(binary.AppendUvarint(nil, 300), 7)
	r := Reader{Rest: b}
	if v := r.Below(301); v != 300 || r.Bad {
		t.Fatalf("%d, bad %v; want 300", v, r.Bad)
	}
	if v := r.Below(7); v != 0 || !r.Bad || len(r.Rest) != 1 {
		t.Fatalf("%d, bad %v, %d bytes left; want 7 refused and left there", v, r.Bad, len(r.Rest))
	}
	if v := r.Below(8); v != 7 || !r.Bad || len(r.Rest) != 0 {
		t.Fatalf("%d, bad %v; want 7, and still bad", v, r.Bad)
	}
	for _, b := range [][]byte{nil, b[:1]} {
		r := Reader{Rest: b}
		if v := r.Below(1 << 63); v != 0 || !r.Bad {
			t.Errorf("%x: %d, bad %v; want it refused", b, v, r.Bad)
		}
	}
}
