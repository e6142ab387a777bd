package peers

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"
)

// TestPeers takes a few messages of every peer; receivers check each.
func TestPeers(t *testing.T) {
	cpus, err := twoCPUs()
	if err != nil {
		t.Skip(err)
	}
	for name, set := range sets {
		for _, test := range set() {
			test.rounds, test.PerSample = 2, min(test.PerSample, 40)
			label := name + ": " + test.Name
			for _, p := range test.Params {
				label += "/" + p[0] + "=" + p[1]
			}
			if err := test.measure(cpus); err != nil {
				t.Errorf("%s: %v", label, err)
			}
			if len(test.Samples) != 2 || test.Samples[0] <= 0 {
				t.Errorf("%s: samples %v", label, test.Samples)
			}
		}
	}
}

// TestSetsDiffer: no two tests of all sets would make rows of one label.
func TestSetsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, set := range sets {
		for _, test := range set() {
			label := test.Name
			for _, p := range test.Params {
				label += "/" + p[0] + "=" + p[1]
			}
			if seen[label] {
				t.Errorf("%s twice", label)
			}
			seen[label] = true
		}
	}
}

// TestWrongMessages: a receiver does not take what is not the next message.
func TestWrongMessages(t *testing.T) {
	if err := (&message{0: 3, 7: 3}).check(3); err != nil {
		t.Error(err)
	}
	for _, m := range []message{{0: 2, 7: 2}, {0: 3}, {7: 3}} {
		if m.check(3) == nil {
			t.Errorf("%v taken for 3", m)
		}
	}
	b := make([]byte, 8)
	if stamp(b, 3); checkStamp(b, 3) != nil {
		t.Errorf("%v is not 3", b)
	}
	b = make([]byte, 24)
	stamp(b, 3)
	binary.NativeEndian.PutUint64(b[16:], 2)
	if checkStamp(b, 3) == nil {
		t.Errorf("%v taken for 3", b)
	}
}

// TestStreamLosesNothing: a sender that skips a payload, or stops, is noticed.
func TestStreamLosesNothing(t *testing.T) {
	for _, numbers := range [][]uint64{{1, 2, 4}, {1, 2}} {
		var in int
		e, _, err := byteStream(func() (a, b int, err error) { in, b, err = pipe(); return in, b, err }, 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range numbers {
			m := make([]byte, 64)
			stamp(m, n)
			if err := writeAll(in, m); err != nil {
				t.Fatal(err)
			}
		}
		closeAll(in)
		if err := e.near(3); err == nil {
			t.Errorf("%v taken for 1, 2, 3", numbers)
		}
	}
}

// TestUnknownSet says which sets there are.
func TestUnknownSet(t *testing.T) {
	if err := Run(os.Stderr, "words"); err == nil || !strings.Contains(err.Error(), "messages or payloads") {
		t.Error(err)
	}
}
