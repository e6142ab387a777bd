package paths

import "testing"

// TestPaths: each path works, here in a process, and is measured.
func TestPaths(t *testing.T) {
	samples, err := Measure(3)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range All {
		if s := samples[p.Name]; len(s) != 3 || min(s[0], s[1], s[2]) <= 0 {
			t.Errorf("%s took %v ns", p.Name, s)
		}
	}
	if s := Syscalls(3, 100); len(s) != 3 || s[0] <= 0 {
		t.Errorf("a system call took %v ns", s)
	}
}
