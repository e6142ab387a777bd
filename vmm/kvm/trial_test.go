package kvm

import (
	"errors"
	"testing"
	"time"
)

func open(t *testing.T) *System {
	t.Helper()
	sys, err := Open(DevicePath)
	if err != nil {
		t.Skipf("no KVM here: %v", err)
	}
	t.Cleanup(func() { sys.Close() })
	return sys
}

func TestTry(t *testing.T) {
	if err := open(t).Try(); err != nil {
		t.Error(err)
	}
}

// TestTryWrong gives the trial programs that compute something else, make no
// sense, or never end.
func TestTryWrong(t *testing.T) {
	sys := open(t)
	for name, code := range map[string][]byte{
		"other answer": {0xb8, 0x2a, 0x00, 0x40, 0xa3, 0x00, 0x80, 0xf4},
		"no code":      {0x0f, 0x0b}, // ud2, without an interrupt table
		"no end":       {0xeb, 0xfe}, // jmp to itself
	} {
		if err := sys.try(code, 20*time.Millisecond); !errors.Is(err, ErrUnusable) {
			t.Errorf("%s: got %v, want ErrUnusable", name, err)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
}
