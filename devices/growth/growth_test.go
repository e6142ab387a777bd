package growth

import "testing"

// TestRequest: what a request names comes out as it went in, up to the last block that
// there can be.
func TestRequest(t *testing.T) {
	for _, b := range []Blocks{{}, {1, 2}, {1 << 15, 1 << 15}, {mask, mask}} {
		for _, give := range []bool{false, true} {
			r := b.Take()
			if give {
				r = b.Give()
			}
			if got, g := r.Blocks(); got != b || g != give {
				t.Errorf("%+v, give %v: came out as %+v, %v", b, give, got, g)
			}
		}
	}
	if from, to := (Blocks{32, 2}).Range(); from != 64<<20 || to != 68<<20 {
		t.Errorf("range %#x-%#x", from, to)
	}
}
