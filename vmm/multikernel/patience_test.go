package multikernel

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// starved is a worker whose wait for a CPU is what a file says.
type starved string

func (starved) clock() (int32, bool) { return 0, false }
func (s starved) delays() string     { return string(s) }

// TestPatience: neither the time in which a core waits for a CPU counts, nor that in which
// nobody looked; but not for ever.
func TestPatience(t *testing.T) {
	file := filepath.Join(t.TempDir(), "schedstat")
	waited := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	waited("1 5000000000 1")
	u := &usage{}
	u.begin(starved(file))
	begin := time.Now()
	p := u.patience(begin)
	look := func(after time.Duration, times int) (over bool) {
		for range times {
			over = p.over(begin.Add(after), time.Second)
		}
		return over
	}
	for _, step := range []struct {
		what   string
		after  time.Duration
		times  int
		waited string
		want   bool
	}{
		{"the time is not over", time.Second, patientLooks - 2, "1 5000000000 1", false},
		{"it was over while nobody looked", 3 * time.Second, 1, "1 5000000000 1", false},
		{"most of it the core waited for a CPU", 3 * time.Second, 1, "1 7500000000 1", false},
		{"some of it the core waited for a CPU", 3 * time.Second, 1, "1 6900000000 1", false}, // what was seen stays
		{"the rest is more than a second", 4 * time.Second, 1, "1 7900000000 1", true},
		{"the core did nothing but wait", 6 * time.Second, 1, "1 11000000000 1", false},
		{"and that for too long", 6*time.Second + 1, 1, "1 11000000000 1", true},
	} {
		waited(step.waited)
		if got := look(step.after, step.times); got != step.want {
			t.Errorf("%s: over %v, want %v", step.what, got, step.want)
		}
	}
}
