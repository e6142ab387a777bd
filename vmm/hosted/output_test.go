package hosted

import (
	"bytes"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// TestOutputIsDrainedInOrder: what comes in pieces, and more than one record
// holds, comes out whole; an empty pipe and one whose writer ended are no error.
func TestOutputIsDrainedInOrder(t *testing.T) {
	o, err := newOutput()
	if err != nil {
		t.Fatal(err)
	}
	defer o.close()
	if _, ok, err := o.Next(); ok || err != nil {
		t.Fatalf("an empty pipe: %v, %v", ok, err)
	}
	var want, got bytes.Buffer
	drain := func() {
		for {
			rec, ok, err := o.Next()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				return
			}
			got.Write(rec.Text)
			o.Release()
		}
	}
	for i := range 3000 {
		line := fmt.Appendf(nil, "line %d %s\n", i, bytes.Repeat([]byte("x"), i%300))
		want.Write(line)
		if _, err := unix.Write(o.write, line); err != nil {
			t.Fatal(err)
		}
		if i%7 == 0 {
			drain()
		}
	}
	o.started() // the writer's end
	drain()
	if !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("%d bytes came out of %d, or not the same", got.Len(), want.Len())
	}
}
