package agreement

import (
	"fmt"
	"testing"
)

// TestRecent: whatever was made before, an operation is that of its bytes.
func TestRecent(t *testing.T) {
	var r Recent
	for range 2 {
		for i := range 10 * len(r) {
			if want := fmt.Sprint("op ", i); r.Op([]byte(want)) != Op(want) {
				t.Fatalf("%q instead of %q", r.Op([]byte(want)), want)
			}
		}
	}
}
