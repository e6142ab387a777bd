// Package peers measures what a program of Go or of Linux would use in place of
// URPC: Go's channels, a pipe, a futex beside shared memory, a pair of Unix
// sockets. It runs in a process of its own that is bound to the two CPUs on which
// cores 0 and 1 are. Each message is checked by its receiver.
package peers

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Measurement is one figure: Samples are ns per message (or round trip), each the
// mean of PerSample of them. Params are pairs of key and value.
type Measurement struct {
	Name      string      `json:"name"`
	Params    [][2]string `json:"params"`
	PerSample int         `json:"per_sample"`
	Samples   []float64   `json:"samples"`
	Note      string      `json:"note,omitempty"`
}

// Names of measurements.
const (
	RoundTrip = "peer_roundtrip" // of a message of 64 bytes
	Stream    = "peer_stream"    // one way, 64 bytes
	Payload   = "peer_payload"   // one way, any size
)

// ends are the two sides of a peer. Near is timed: it calls far and takes the
// answer n times, or takes n messages of far. Far does its part total times.
type ends struct {
	near func(n int) error
	far  func(total int) error
}

// test is a peer to measure.
type test struct {
	Measurement
	rounds int // samples
	pinned bool
	open   func() (ends, func(), error) // func: closes it
}

// Sets of tests.
var sets = map[string]func() []test{"messages": messages, "payloads": payloads}

// Run measures a set and writes a JSON array of Measurement.
func Run(w io.Writer, set string) error {
	tests, ok := sets[set]
	if !ok {
		return fmt.Errorf("bench: no set of peers %q: say messages or payloads", set)
	}
	cpus, err := twoCPUs()
	if err != nil {
		return err
	}
	var out []Measurement
	for _, t := range tests() {
		if err := t.measure(cpus); err != nil {
			return fmt.Errorf("bench: %s %v: %w", t.Name, t.Params, err)
		}
		out = append(out, t.Measurement)
	}
	return json.NewEncoder(w).Encode(out)
}

// twoCPUs returns the first two CPUs that this process may use.
func twoCPUs() (cpus []int, err error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("bench: CPUs of this process: %w: report it", err)
	}
	for i := range 64 * len(set) {
		if set.IsSet(i) {
			cpus = append(cpus, i)
		}
	}
	if len(cpus) < 2 {
		return nil, fmt.Errorf("bench: one CPU: peers need two: give this process more (taskset, cpuset)")
	}
	return cpus[:2], nil
}

// measure takes the samples; the first is dropped. An error leaves the other side
// where it waits, until the process ends.
func (t *test) measure(cpus []int) error {
	e, closing, err := t.open()
	if err != nil {
		return err
	}
	done := make(chan error, 2)
	t.goOn(cpus[1], done, func() error { return e.far((t.rounds + 1) * t.PerSample) })
	t.goOn(cpus[0], done, func() error {
		for i := range t.rounds + 1 {
			start := time.Now()
			if err := e.near(t.PerSample); err != nil {
				return err
			}
			if took := time.Since(start); i > 0 {
				t.Samples = append(t.Samples, float64(took.Nanoseconds())/float64(t.PerSample))
			}
		}
		return nil
	})
	for range 2 {
		if err := <-done; err != nil {
			return err
		}
	}
	closing()
	return nil
}

// goOn starts one side, on a thread of its own that stays on a CPU if the test is
// pinned.
func (t *test) goOn(cpu int, done chan<- error, f func() error) {
	go func() {
		if t.pinned {
			runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
			var set unix.CPUSet
			set.Set(cpu)
			if err := unix.SchedSetaffinity(0, &set); err != nil {
				done <- fmt.Errorf("pin to CPU %d: %w: give this process two CPUs", cpu, err)
				return
			}
		}
		done <- f()
	}()
}

// named makes a test's name and parameters.
func named(name, peer string, pinned bool, perSample int, params ...[2]string) Measurement {
	word := map[bool]string{true: "yes", false: "no"}[pinned]
	return Measurement{
		Name: name, PerSample: perSample,
		Params: slices.Concat([][2]string{{"peer", peer}}, params, [][2]string{{"pinned", word}}),
	}
}

// wrong is what a receiver says of a message that is not the next one.
func wrong(want, got uint64) error {
	return fmt.Errorf("message %d where %d is due: report it", got, want)
}
