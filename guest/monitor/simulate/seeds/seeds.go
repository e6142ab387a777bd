// Package seeds has a test run its simulation with many seeds. A run that fails is found
// again by its seed, and shrunk: the test prints the transcript of the shortest run that
// was found to fail as well, and the choices that replay it.
//
// Tests that import it have the flags -seeds and -first (how many seeds, and from where),
// -seed (one of them) and -choices (that one with given choices).
package seeds

import (
	"flag"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"barreleye/guest/monitor/simulate"
	"barreleye/guest/monitor/simulate/transcript"
)

var (
	count   = flag.Uint64("seeds", 0, "how many simulations to run; 0: as many as the test runs by itself")
	first   = flag.Uint64("first", 1, "the seed to begin with")
	one     = flag.Uint64("seed", 0, "run the simulation of this seed only, and print what happens")
	choices = flag.String("choices", "", "with -seed: replay these choices, as a failure prints them")
)

// Run runs the simulation of a trial, of which the seed, the choices and the log are given:
// the seed makes its sizes.
type Run func(simulate.Trial) error

// Failure is a run that failed.
type Failure struct {
	Seed       uint64
	Err        error
	Choices    []uint32 // of the shortest run found that fails
	ErrShort   error    // of that
	Transcript string
}

// Size is how many of its choices are not the simplest one.
func (f *Failure) Size() int { return len(text(f.Choices)) }

// Tries bounds the runs in which a shorter failure is looked for.
const Tries = 2000

// of is the trial of a seed.
func of(seed uint64, c *simulate.Choices, log io.Writer) simulate.Trial {
	return simulate.Trial{Seed: seed, Choices: c, Log: log}
}

// failing runs n seeds from first on. It returns the first that fails, and how.
func failing(first, n uint64, run Run) (seed uint64, err error) {
	for seed := first; seed < first+n; seed++ {
		if err := run(of(seed, simulate.Seeded(seed, false), nil)); err != nil {
			return seed, err
		}
	}
	return 0, nil
}

// Find runs n seeds from first on. It returns the first that fails, nil if none does.
func Find(first, n uint64, run Run) *Failure {
	if seed, err := failing(first, n, run); err != nil {
		return explain(seed, err, run)
	}
	return nil
}

// explain shrinks a seed's failure.
func explain(seed uint64, err error, run Run) *Failure {
	c := simulate.Seeded(seed, true)
	if run(of(seed, c, nil)) == nil {
		return &Failure{Seed: seed, Err: fmt.Errorf("%w, but not when it ran again: the simulation depends on more than its choices", err)}
	}
	f := &Failure{Seed: seed, Err: err}
	f.Choices = simulate.Shrink(c.Record(), Tries, func(c *simulate.Choices) bool { return run(of(seed, c, nil)) != nil })
	var log strings.Builder
	f.ErrShort = run(of(seed, simulate.Given(f.Choices), &log))
	f.Transcript = log.String()
	return f
}

// Test runs the simulation with n seeds, 1 in 20 of them in short tests, or with those that
// the flags name.
func Test(t *testing.T, n uint64, run Run) {
	t.Helper()
	if *one != 0 {
		replay(t, run)
		return
	}
	switch {
	case *count != 0:
		n = *count
	case race:
		n /= 30 // the detector makes each ten times slower, and there is one goroutine
	case testing.Short():
		n /= 20
	}
	began := time.Now()
	if f := Find(*first, n, run); f != nil {
		t.Fatal(f.report(t.Name()))
	}
	t.Logf("%d seeds from %d on, %.1f s", n, *first, time.Since(began).Seconds())
}

// Mutations runs a simulation in ways that are wrong: n seeds must find out each of them, or
// the simulation proves little.
func Mutations[M any](t *testing.T, n uint64, wrong map[string]M, run func(M) Run) {
	t.Helper()
	for name, m := range wrong {
		t.Run(name, func(t *testing.T) {
			seed, err := failing(1, n, run(m))
			if err == nil {
				t.Fatalf("not found out by %d seeds", n)
			}
			t.Logf("seed %d: %.300v", seed, err)
		})
	}
}

// Transcripts runs trials of which everything is given, and compares what happens with
// testdata/NAME.txt, which somebody has read.
func Transcripts(t *testing.T, trials map[string]simulate.Trial, run Run) {
	t.Helper()
	for name, trial := range trials {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			trial.Log = &log
			if err := run(trial); err != nil {
				t.Fatal(err)
			}
			transcript.Compare(t, name, log.String())
		})
	}
}

// report says what went wrong and how to see it again.
func (f *Failure) report(test string) string {
	again := fmt.Sprintf("go test %s -run '^%s$' -seed %d", where(), test, f.Seed)
	return fmt.Sprintf("seed %d: %v\nagain: %s\nshrunk to %d choices other than the first there is: %v\nagain: %s -choices '%s'\n%s",
		f.Seed, f.Err, again, f.Size(), f.ErrShort, again, strings.Join(text(f.Choices), " "), f.Transcript)
}

// where is the package under test.
func where() string {
	if info, ok := debug.ReadBuildInfo(); ok && strings.HasSuffix(info.Path, ".test") {
		return strings.TrimSuffix(info.Path, ".test")
	}
	return "."
}

// replay runs what -seed and -choices name.
func replay(t *testing.T, run Run) {
	t.Helper()
	c := simulate.Seeded(*one, false)
	if *choices != "" {
		list, err := parse(*choices)
		if err != nil {
			t.Fatalf("-choices: %v", err)
		}
		c = simulate.Given(list)
	}
	var log strings.Builder
	err := run(of(*one, c, &log))
	t.Log(log.String())
	if err != nil {
		t.Error(err)
	}
}

// text is a list of choices as the flag takes it: those that are not zero, as AT:CHOICE.
func text(list []uint32) (words []string) {
	for at, c := range list {
		if c != 0 {
			words = append(words, fmt.Sprintf("%d:%d", at, c))
		}
	}
	return words
}

// parse is the reverse of text.
func parse(words string) (list []uint32, err error) {
	for _, word := range strings.Fields(words) {
		var at int
		var c uint32
		if n, err := fmt.Sscanf(word, "%d:%d", &at, &c); n != 2 || at < 0 || at > 1<<24 {
			return nil, fmt.Errorf("%q is no AT:CHOICE: %w", word, err)
		}
		list = append(list, make([]uint32, max(0, at+1-len(list)))...)
		list[at] = c
	}
	return list, nil
}
