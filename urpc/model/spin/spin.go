// Package spin has tests search Promela models: spin translates a model, gcc compiles the
// search, which visits every state. That is only worth something beside mutations of the
// model, which must make it find a counterexample.
package spin

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
	Correct = "errors: 0"
	Lost    = "invalid end state"  // somebody waits for ever
	Wrong   = "assertion violated" // what the model says must hold does not
	Stuck   = "non-progress cycle" // steps are taken, and nothing comes of them any more
)

// Search is one run of spin: a model, its definitions, and what must come out. The model
// lies in the folder of the test, with the files that it includes.
type Search struct {
	Model   string
	Defines string // as words, without -D
	Live    bool   // look for non-progress cycles instead of bad states
	Want    string
}

// String returns the name of its test.
func (s Search) String() string {
	name := strings.Join(append([]string{s.Model}, strings.Fields(s.Defines)...), ",")
	if s.Live {
		name += ",live"
	}
	return name
}

// Test runs it beside other searches.
func (s Search) Test(t *testing.T) {
	t.Run(s.String(), func(t *testing.T) {
		t.Parallel()
		need(t, "spin")
		need(t, "gcc")
		out := s.run(t)
		t.Logf("%s: %s", s.Want, statesOf(t, out))
		if !strings.Contains(out, s.Want) {
			t.Errorf("want %q, the search says:\n%s", s.Want, out)
		}
		if s.Want != Correct {
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
func (s Search) run(t *testing.T) string {
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
		text, err := os.ReadFile(f)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, f), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var defines []string
	for _, d := range strings.Fields(s.Defines) {
		defines = append(defines, "-D"+d)
	}
	execute("spin", append(defines, "-a", s.Model+".pml")...)

	// No partial order reduction: nearly all steps touch what is shared.
	build := []string{"-w", "-DNOREDUCE", fmt.Sprintf("-DMEMLIM=%d", maxMemory), "-o", "pan", "pan.c"}
	options := []string{fmt.Sprintf("-m%d", maxDepth), "-w22"}
	if s.Live {
		build = append(build, "-DNP")
		options = append(options, "-l", "-f") // weak fairness: every store buffer drains
	} else {
		build = append(build, "-DSAFETY")
	}
	if s.Want == Correct {
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
