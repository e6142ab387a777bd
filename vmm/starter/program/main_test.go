package main

import (
	"strings"
	"testing"

	"barreleye/guest/guesttest"
)

// Tests of code that needs no other core run with plain `go test`, and on a
// core with `barreleye test`.

func TestMessages(t *testing.T) {
	job := Job{From: 3, To: 1 << 40}
	if got, err := ParseJob(job.Message()); err != nil || got != job {
		t.Errorf("job: got %+v, %v, want %+v", got, err, job)
	}
	result := Result{Primes: 7}
	if got, err := ParseResult(result.Message()); err != nil || got != result {
		t.Errorf("result: got %+v, %v, want %+v", got, err, result)
	}
	if _, err := ParseJob(result.Message()); err == nil {
		t.Error("a result passes for a job")
	}
	if _, err := ParseResult(job.Message()); err == nil {
		t.Error("a job passes for a result")
	}
}

// The cores' shares follow one another and leave no number out.
func TestShare(t *testing.T) {
	for _, cores := range []int{1, 2, 3, 64} {
		next := uint64(0)
		for core := range cores {
			job := share(1000, core, cores)
			if job.From != next || job.To < job.From {
				t.Errorf("core %d of %d counts in %+v, want it to start at %d", core, cores, job, next)
			}
			next = job.To
		}
		if next != 1000 {
			t.Errorf("%d cores count below %d, want 1000", cores, next)
		}
	}
}

func TestCount(t *testing.T) {
	if got := count(Job{From: 0, To: 100}); got != 25 {
		t.Errorf("%d primes below 100, want 25", got)
	}
}

// TestCores runs the whole program, on two cores that are Linux processes.
func TestCores(t *testing.T) {
	out := guesttest.Run(t, "--platform", "hosted", "--cores", "2", ".", "--", "1000")
	for _, want := range []string{
		"[1] 73 primes from 500 up to 1000\n",
		"[0] 168 primes below 1000, counted by 2 cores\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
}
