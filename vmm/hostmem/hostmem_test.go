package hostmem

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// TestShared: who has the descriptor of shared memory cannot make it shorter or longer.
func TestShared(t *testing.T) {
	const size = 4 << 20
	m, err := AllocateShared("test", size)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Free()
	for _, n := range []int64{0, size - 4096, size + 4096} {
		if err := unix.Ftruncate(m.Descriptor(), n); !errors.Is(err, unix.EPERM) {
			t.Errorf("cut to %d bytes: %v, want EPERM", n, err)
		}
	}
	m.Bytes[size-1] = 1
	if err := m.Punch(size-4096, 4096); err != nil || m.Bytes[size-1] != 0 {
		t.Errorf("punch: %v, byte %d", err, m.Bytes[size-1])
	}
}
