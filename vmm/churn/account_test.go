package churn

import (
	"fmt"
	"strings"
	"testing"
)

// lines of a run of two cores: core 1's first life ended without a word, its second one and
// core 0 were asked to end.
const lines = `[0] soak: lives: ready
[1] soak: lives: ready
[vmm] core 1: killed, as a command asked: its last lines are in x
[0] soak: talk: core 0 life 1 with core 1 life 1: sent 500 delivered 244 undelivered 256 received 90
[vmm] core 1: life 2 begins
[1.2] soak: lives: ready
[1.2] soak: talk: core 1 life 2 with core 0 life 1: sent 30 delivered 30 undelivered 0 received 20
[1.2] soak: lives: core 1 life 2: sent 30 delivered 30 undelivered 0 received 20 calls 5 failed 1 channels 2 failed 0 peers' lives 1
[0] soak: talk: core 0 life 1 with core 1 life 2: sent 20 delivered 20 undelivered 0 received 30
[0] soak: lives: core 0 life 1: sent 520 delivered 264 undelivered 256 received 120 calls 6 failed 1 channels 2 failed 0 peers' lives 2
`

func read(t *testing.T, text string) *console {
	t.Helper()
	c := newConsole(2)
	for len(text) > 0 { // in pieces that are no lines
		n := min(37, len(text))
		if _, err := c.Write([]byte(text[:n])); err != nil {
			t.Fatal(err)
		}
		text = text[n:]
	}
	return c
}

// TestBalance: all messages of a run are accounted for.
func TestBalance(t *testing.T) {
	c := read(t, lines)
	select {
	case <-c.ready:
	default:
		t.Error("not ready")
	}
	a, err := c.book.balance()
	if c.err != nil || err != nil {
		t.Fatal(c.err, err)
	}
	if want := (Account{Delivered: 244 + 90 + 20 + 30, Undelivered: 256}); a != want {
		t.Errorf("%+v, want %+v", a, want)
	}
	if c.book.calls != 11 || c.book.channels != 4 {
		t.Errorf("%d calls, %d channels", c.book.calls, c.book.channels)
	}
}

// TestDisagreement: whatever does not go together is found.
func TestDisagreement(t *testing.T) {
	for _, d := range []struct {
		old, new string
		lost     uint64
	}{
		{"life 1: sent 30 delivered 30", "life 1: sent 30 delivered 29", 30},                            // neither delivered nor reported
		{"delivered 30 undelivered 0 received 20\n", "delivered 30 undelivered 0 received 19\n", 1},     // delivered, and never received
		{"sent 20 delivered 20 undelivered 0", "sent 20 delivered 19 undelivered 1", 0},                 // the sums
		{"life 2: sent 20 delivered 20 undelivered 0", "life 2: sent 21 delivered 20 undelivered 1", 1}, // lost between two that both drained
		{"life 2: sent 20 delivered 20", "life 2: sent 10 delivered 10", 10},                            // received, and never sent
	} {
		text := strings.Replace(lines, d.old, d.new, 1)
		if text == lines {
			t.Fatalf("no %q", d.old)
		}
		c := read(t, text)
		a, err := c.book.balance()
		if err == nil || a.Unaccounted < max(d.lost, 1) {
			t.Errorf("%q: unaccounted %d, %v", d.new, a.Unaccounted, err)
		}
	}
}

// TestProblems: lines by which something must not go on.
func TestProblems(t *testing.T) {
	for _, line := range []string{
		"[1.4] soak: FAILED: core 1 life 4: message 3 came after 4",
		"[0] monitor: core 0: core 1: hello: its ABI is 3, ours 4",
		"[0] fatal error: all goroutines are asleep",
		"[0] soak: talk: core 0 life x",
		"[0] soak: talk: core 0 life 1 with core 1 life 1: sent 1 delivered 1 undelivered 0 received 1",
		"[vmm] core 1: exited with code 3: its last lines are in x",
		"[vmm] core 1: exited with code 9: its last lines are in x",
		"[vmm] core 1: exited with code 2 (panic: index out of range): its last lines are in x",
		"[1.2] soak: dies: core 1 life 2, way 1\n[vmm] core 1: life 3 begins\n[vmm] core 1: exited with code 2 (panic: as planned): its last lines are in x",
		"[vmm] core 1: crashed: page fault, read of 0x0",
		"[vmm] core 1: stuck: no progress",
		"[vmm] core 1: life 7 cannot begin: no memory",
		"[vmm] deadlock: all cores are halted",
	} {
		if c := read(t, lines+line+"\n"); c.err == nil {
			t.Errorf("%q goes unnoticed", line)
		}
	}
	for _, line := range []string{
		"[1.2] soak: dies: core 1 life 2, way 0\n[vmm] core 1: exited with code 9: its last lines are in x",
		"[0] soak: dies: core 0 life 1, way 2\n[vmm] core 0: exited with code 2 (panic: runtime error: segmentation fault): its last lines are in x\n[vmm] core 0: life 2 begins",
		"[vmm] core 1: park",
	} {
		if c := read(t, lines+line+"\n"); c.err != nil {
			t.Errorf("%q: %v", line, c.err)
		}
	}
	if c := read(t, lines+"[vmm] core 1 did not end within 20s: stopping it\n"); c.overdue != 1 || c.err != nil {
		t.Errorf("overdue %d, %v", c.overdue, c.err)
	}
}

// TestSeed: it decides what is asked.
func TestSeed(t *testing.T) {
	asked := func(seed uint64) string {
		r := newRound(&Config{}, seed)
		text := r.String()
		for range 50 {
			cmd := r.choose()
			text += fmt.Sprint(" ", cmd.Op, cmd.Core, cmd.Drain)
		}
		return text
	}
	if asked(7) != asked(7) {
		t.Error("the same seed asks for something else")
	}
	if asked(7) == asked(8) {
		t.Error("another seed asks for the same")
	}
	for seed := range uint64(200) {
		if r := newRound(&Config{Most: 3}, seed); r.cores < 2 || r.room > 3 || r.room < r.cores {
			t.Fatalf("seed %d: %v", seed, r)
		}
	}
}

// TestReady: a core that ends before it was ready is so in a later life.
func TestReady(t *testing.T) {
	text := "[0] soak: lives: ready\n[0.2] soak: lives: ready\n[1] soak: dies: core 1 life 1, way 0\n"
	for _, c := range []struct {
		more string
		want bool
	}{{"", false}, {"[1.2] soak: lives: ready\n", true}} {
		select {
		case <-read(t, text+c.more).ready:
			if !c.want {
				t.Error("ready with one core of two")
			}
		default:
			if c.want {
				t.Error("not ready")
			}
		}
	}
}
