//go:build !race

// The searches are no Go code, so the race detector has nothing to see.

package model

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// What a search ends with.
const (
	correct = "errors: 0"
	lost    = "invalid end state"  // somebody waits for ever
	wrong   = "assertion violated" // a wrong message, or a peer taken for broken
	stuck   = "non-progress cycle" // the ring turns, and nothing arrives any more
)

// search is one run of spin: a model, its definitions, and what must come out.
type search struct {
	model   string
	defines string // as words, without -D
	live    bool   // look for non-progress cycles instead of bad states
	want    string
}

func (s search) String() string {
	name := strings.Join(append([]string{s.model}, strings.Fields(s.defines)...), ",")
	if s.live {
		name += ",live"
	}
	return name
}

// models are the protocols as they are.
var models = []search{
	{model: "ring", defines: "LINES=2 EVERY=1"},
	{model: "ring", defines: "LINES=4 EVERY=2 DEPTH=6"},
	{model: "ring", defines: "LINES=8 EVERY=4 DEPTH=4"},
	{model: "ring", defines: "LINES=4 EVERY=2 STALE"},
	{model: "ring", defines: "LINES=2 EVERY=1", live: true},
	{model: "ring", defines: "LINES=4 EVERY=2 DEPTH=6", live: true},
	{model: "wake", defines: "LINES=2 EVERY=1 MESSAGES=4"},
	{model: "wake", defines: "LINES=4 EVERY=2 MESSAGES=5"},
	{model: "wake", defines: "LINES=4 EVERY=1 MESSAGES=5"},
	{model: "wake", defines: "LINES=4 EVERY=1 MESSAGES=7 POLLS"},
	{model: "wake", defines: "LINES=2 EVERY=1 MESSAGES=2 HOSTED"},
	{model: "bell", defines: "MESSAGES=2"},
	{model: "close", defines: "LINES=2 MESSAGES=3"},
	{model: "close", defines: "LINES=2 MESSAGES=2 DIES=0"},
	{model: "close", defines: "LINES=2 MESSAGES=2 DIES=1"},
	{model: "broadcast", defines: "MESSAGES=4"},
	{model: "broadcast", defines: "LINES=4 EVERY=2 MESSAGES=4 DIRECT"},
	{model: "broadcast", defines: "MESSAGES=2 CLOSES=7"},
	{model: "broadcast", defines: "MESSAGES=1 CLOSES=1 DIES=0 DIRECT"},
	{model: "broadcast", defines: "READERS=1 MESSAGES=3 CLOSES=1 DIES=0"},
	{model: "broadcast", defines: "READERS=1 MESSAGES=3 EVERY=2 DIES=0 HOSTILE DIRECT"},
	{model: "broadcast", defines: "MESSAGES=2 CLOSES=2 DIES=1 DIRECT"},
	{model: "bulk", defines: "LINES=2 TELL=1 MESSAGES=3"},
	{model: "bulk", defines: "LINES=2 TELL=2 MESSAGES=4 NO_CLOSE FINE"},
	{model: "bulk", defines: "LINES=4 EVERY=1 TELL=2 MESSAGES=6 NO_CLOSE"},
	{model: "bulk", defines: "LINES=4 EVERY=1 TELL=2 MESSAGES=8 NO_CLOSE POLLS"},
	{model: "bulk", defines: "LINES=2 MESSAGES=2 DIES=0"},
	{model: "bulk", defines: "LINES=2 MESSAGES=2 DIES=1"},
	{model: "call", defines: "CALLS=2"},
	{model: "call", defines: "CALLS=1 DIES=0"},
	{model: "call", defines: "CALLS=1 DIES=1"},
}

// mutations are mistakes; docs/reference/urpc.md says what each one is.
var mutations = []search{
	{model: "ring", defines: "LINES=4 EVERY=2 HEADER_FIRST", want: wrong},
	{model: "ring", defines: "LINES=4 EVERY=2 LIMIT_BEYOND", want: wrong},
	{model: "ring", defines: "LINES=4 EVERY=2 IGNORE_SEQUENCE", want: wrong},
	{model: "ring", defines: "LINES=4 EVERY=2 STALE IGNORE_EPOCH", want: wrong},
	{model: "ring", defines: "LINES=4 EVERY=2 NO_ACK", live: true, want: stuck},

	{model: "wake", defines: "MESSAGES=3 DROP_SENDER_FENCE", want: lost},
	{model: "wake", defines: "MESSAGES=3 DROP_SLEEPER_FENCE", want: lost},
	{model: "wake", defines: "MESSAGES=3 DROP_RECHECK", want: lost},
	{model: "wake", defines: "MESSAGES=3 HALT_WITHOUT_PENDING", want: lost},
	{model: "wake", defines: "MESSAGES=3 GATE_WITH_IF", want: lost},
	{model: "wake", defines: "MESSAGES=3 NO_STEP_OVER", want: lost},
	{model: "wake", defines: "MESSAGES=3 SAME_GENERATION", want: lost},
	{model: "wake", defines: "MESSAGES=3 WATCH_FRESH_VALUE", want: lost},
	{model: "wake", defines: "MESSAGES=3 NO_RING_ON_ACK", want: lost},
	{model: "wake", defines: "LINES=4 EVERY=1 MESSAGES=7 POLLS RING_EVERY_LAP", want: lost},
	{model: "wake", defines: "MESSAGES=3 PARK_WITHOUT_FLUSH", want: lost},
	{model: "wake", defines: "MESSAGES=3 NO_LAST_FLUSH", want: lost},

	{model: "wake", defines: "MESSAGES=2 HOSTED DROP_SENDER_FENCE", want: lost},
	{model: "wake", defines: "MESSAGES=2 HOSTED DROP_RECHECK", want: lost},
	{model: "wake", defines: "MESSAGES=2 HOSTED DROP_LOOK_AFTER_ARM", want: lost},

	{model: "bell", defines: "DROP_SENDER_FENCE", want: lost},
	{model: "bell", defines: "DROP_SLEEPER_FENCE", want: lost},
	{model: "bell", defines: "SAME_GENERATION", want: lost},
	{model: "bell", defines: "LOOK_AT_ONE", want: lost},

	{model: "close", defines: "MESSAGES=2 HEADER_FIRST", want: wrong},
	{model: "close", defines: "MESSAGES=2 STATE_BEFORE_SENT", want: wrong},
	{model: "close", defines: "MESSAGES=2 NO_SECOND_LOOK", want: wrong},
	{model: "close", defines: "MESSAGES=2 NO_FREE_LINE", want: wrong},
	{model: "close", defines: "MESSAGES=2 NO_CLOSE_MARK", want: lost},
	{model: "close", defines: "MESSAGES=2 CLOSE_WITHOUT_WAKE", want: lost},
	{model: "close", defines: "MESSAGES=2 ACK_WITHOUT_CLOSED", want: lost},
	{model: "close", defines: "MESSAGES=2 DIES=0 BURY_UNFENCED", want: wrong},
	{model: "close", defines: "MESSAGES=2 DIES=0 BURY_UNFINISHED", want: wrong},
	{model: "close", defines: "MESSAGES=2 DIES=0 BURY_WITHOUT_WAKE", want: lost},
	{model: "close", defines: "MESSAGES=2 DIES=1 BURY_WITHOUT_WAKE", want: lost},
	{model: "close", defines: "MESSAGES=2 DIES=0 BURY_TRUSTS_HALF_CLOSE", want: lost},
	{model: "close", defines: "MESSAGES=2 DIES=1 BURY_TRUSTS_HALF_CLOSE", want: lost},

	{model: "broadcast", defines: "DROP_WRITER_FENCE", want: lost},
	{model: "broadcast", defines: "WAKE_ONE", want: lost},
	{model: "broadcast", defines: "LIMIT_OF_LAST", want: wrong},
	{model: "broadcast", defines: "WATCH_FIRST", want: lost},
	{model: "broadcast", defines: "WATCH_FRESH_VALUE", want: lost},
	{model: "broadcast", defines: "PARK_WITHOUT_FLUSH", want: lost},
	{model: "broadcast", defines: "NO_RING_ON_ACK", want: lost},
	{model: "broadcast", defines: "MESSAGES=2 CLOSES=7 NO_FREE_LINE", want: wrong},
	{model: "broadcast", defines: "MESSAGES=2 CLOSES=1 STATE_BEFORE_SENT", want: wrong},
	{model: "broadcast", defines: "MESSAGES=2 CLOSES=1 NO_CLOSE_MARK", want: lost},
	{model: "broadcast", defines: "MESSAGES=2 CLOSES=1 CLOSE_WITHOUT_WAKE", want: lost},
	{model: "broadcast", defines: "MESSAGES=2 CLOSES=6 ACK_WITHOUT_CLOSED", want: lost},
	{model: "broadcast", defines: "MESSAGES=2 DIES=0 DIRECT BURY_UNFENCED", want: wrong},
	{model: "broadcast", defines: "MESSAGES=2 DIES=0 DIRECT BURY_UNFINISHED", want: wrong},
	{model: "broadcast", defines: "MESSAGES=3 DIES=0 DIRECT BURY_OVERWRITES", want: wrong},
	{model: "broadcast", defines: "MESSAGES=2 DIES=0 DIRECT BURY_OVERWRITES_MARK", want: wrong},
	{model: "broadcast", defines: "MESSAGES=1 CLOSES=1 DIES=0 DIRECT BURY_TRUSTS_HALF_CLOSE", want: lost},
	{model: "broadcast", defines: "MESSAGES=2 CLOSES=2 DIES=1 DIRECT BURY_TRUSTS_HALF_CLOSE", want: lost},
	{model: "broadcast", defines: "MESSAGES=2 DIES=1 DIRECT BURY_STATE_ONLY", want: lost},
	{model: "broadcast", defines: "MESSAGES=1 DIES=0 DIRECT BURY_WITHOUT_WAKE", want: lost},
	{model: "broadcast", defines: "MESSAGES=2 DIES=1 DIRECT BURY_WITHOUT_WAKE", want: lost},
	{model: "broadcast", defines: "READERS=1 EVERY=2 DIES=0 HOSTILE DIRECT BURY_ONCE", want: lost},
	{model: "broadcast", defines: "READERS=1 EVERY=2 DIES=0 HOSTILE DIRECT DROP_BURIAL_FENCE", want: lost},

	{model: "bulk", defines: "INDEX_FIRST", want: wrong},
	{model: "bulk", defines: "LIMIT_BEYOND", want: wrong},
	{model: "bulk", defines: "ACK_FIRST", want: wrong},
	{model: "bulk", defines: "CLOSE_FIRST", want: wrong},
	{model: "bulk", defines: "TELL=1 NO_CLOSE DROP_SENDER_FENCE", want: lost},
	{model: "bulk", defines: "TELL=1 NO_CLOSE FINE DROP_SLEEPER_FENCE", want: lost},
	{model: "bulk", defines: "TELL=1 NO_CLOSE DROP_RECHECK", want: lost},
	{model: "bulk", defines: "TELL=1 NO_CLOSE WATCH_FRESH_VALUE", want: lost},
	{model: "bulk", defines: "TELL=1 NO_CLOSE FLUSH_WITHOUT_WAKE", want: lost},
	{model: "bulk", defines: "LINES=2 TELL=4 NO_CLOSE NO_TELL_ON_FULL PARK_WITHOUT_FLUSH", want: lost},
	{model: "bulk", defines: "TELL=1 NO_CLOSE PARK_WITHOUT_FLUSH", want: lost},
	{model: "bulk", defines: "NO_CLOSE NO_RING_ON_ACK", want: lost},
	{model: "bulk", defines: "LINES=4 TELL=2 MESSAGES=8 NO_CLOSE POLLS RING_AFTER_LAP", want: lost},
	{model: "bulk", defines: "CLOSE_WITHOUT_WAKE", want: lost},
	{model: "bulk", defines: "ACK_WITHOUT_CLOSED", want: lost},
	{model: "bulk", defines: "MESSAGES=2 DIES=0 BURY_UNFENCED", want: wrong},
	{model: "bulk", defines: "MESSAGES=2 DIES=0 BURY_WITHOUT_WAKE", want: lost},
	{model: "bulk", defines: "MESSAGES=2 DIES=1 BURY_WITHOUT_WAKE", want: lost},

	{model: "call", defines: "CALLS=1 HEADER_FIRST", want: wrong},
	{model: "call", defines: "CALLS=1 NO_SECOND_LOOK", want: wrong},
	{model: "call", defines: "CALLS=1 PARK_WITHOUT_FLUSH", want: lost},
	{model: "call", defines: "CALLS=1 DROP_SENDER_FENCE", want: lost},
	{model: "call", defines: "CALLS=1 DROP_CLOSE_FENCE", want: lost},
	{model: "call", defines: "CALLS=1 CLOSE_WITHOUT_WAKE", want: lost},
	{model: "call", defines: "CALLS=1 DIES=0 BURY_UNFENCED", want: wrong},
	{model: "call", defines: "CALLS=1 DIES=1 BURY_WITHOUT_WAKE", want: lost},
	{model: "call", defines: "CALLS=1 DIES=0 BURY_TRUSTS_HALF_CLOSE", want: lost},
	{model: "call", defines: "CALLS=1 DIES=1 BURY_TRUSTS_HALF_CLOSE", want: lost},
}

// blind are mutations that a sequentially consistent memory hides: the reason why
// tso.pml exists.
var blind = []search{
	{model: "wake", defines: "MESSAGES=3 SEQUENTIAL DROP_SENDER_FENCE"},
	{model: "wake", defines: "MESSAGES=3 SEQUENTIAL DROP_SLEEPER_FENCE"},
}

// TestModels searches all states of the protocols and finds nothing wrong.
func TestModels(t *testing.T) {
	for _, s := range models {
		s.want = correct
		s.test(t)
	}
}

// TestMutations shows that each mistake is found, and as what.
func TestMutations(t *testing.T) {
	for _, s := range mutations {
		s.test(t)
	}
}

// TestStoreBuffersMatter shows that without them a lost fence would pass.
func TestStoreBuffersMatter(t *testing.T) {
	for _, s := range blind {
		s.want = correct
		s.test(t)
	}
}

func (s search) test(t *testing.T) {
	t.Run(s.String(), func(t *testing.T) {
		t.Parallel()
		need(t, "spin")
		need(t, "gcc")
		out := s.run(t)
		t.Logf("%s: %s", s.want, statesOf(t, out))
		if !strings.Contains(out, s.want) {
			t.Errorf("want %q, the search says:\n%s", s.want, out)
		}
		if s.want != correct {
			return
		}
		for _, partial := range []string{"max search depth too small", "Search not completed", "hash factor", "BITSTATE"} {
			if strings.Contains(out, partial) {
				t.Errorf("the search was not exhaustive (%s):\n%s", partial, out)
			}
		}
	})
}

// need skips the test for want of a tool, and fails it where every test has to run.
func need(t *testing.T, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err == nil {
		return
	}
	what := fmt.Sprintf("no %s here: run make setup", tool)
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s; CI=true wants every test to run", what)
	}
	t.Skip(what)
}

// Bounds of one search. A search that reaches one fails its test.
const (
	maxTime   = 10 * time.Minute // only ends a hang
	maxMemory = 2048             // MiB
	maxDepth  = 1_000_000        // steps of one run
)

// run has spin translate the model and gcc compile it, and returns what the search
// printed. The search's status says nothing: it is 0 with errors, too.
func (s search) run(t *testing.T) string {
	ctx, stop := context.WithTimeout(context.Background(), maxTime)
	defer stop()
	dir := t.TempDir()
	execute := func(name string, args ...string) string {
		c := exec.CommandContext(ctx, name, args...)
		c.Dir = dir
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}

	// spin writes to where it runs, and includes files from there. They are read
	// here and not linked, so that the go tool knows what the result rests on.
	files, err := filepath.Glob("*.pml")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f), []byte(read(t, f)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var defines []string
	for _, d := range strings.Fields(s.defines) {
		defines = append(defines, "-D"+d)
	}
	execute("spin", append(defines, "-a", s.model+".pml")...)

	// No partial order reduction: nearly all steps touch what is shared.
	build := []string{"-w", "-DNOREDUCE", fmt.Sprintf("-DMEMLIM=%d", maxMemory), "-o", "pan", "pan.c"}
	options := []string{fmt.Sprintf("-m%d", maxDepth), "-w22"}
	if s.live {
		build = append(build, "-DNP")
		options = append(options, "-l", "-f") // weak fairness: every store buffer drains
	} else {
		build = append(build, "-DSAFETY")
	}
	if s.want == correct {
		build = append(build, "-O2") // the search takes longer than this
	}
	execute("gcc", build...)
	return execute("./pan", options...)
}

var states = regexp.MustCompile(`\d+ states, stored`)

// statesOf is the line that docs/reference/urpc.md quotes.
func statesOf(t *testing.T, out string) string {
	found := states.FindString(out)
	if found == "" {
		t.Errorf("no search took place:\n%s", out)
	}
	return found
}
