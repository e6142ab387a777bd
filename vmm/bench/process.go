package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// ourselves prepares this binary as a process of its own.
func ourselves(args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("bench: %w: start this binary by its full path", err)
	}
	return exec.Command(self, args...), nil
}

// ourBench prepares "bench ARGS" of this binary, which is compared with so many cores. Its
// stderr is the user's.
func ourBench(cores int, args ...string) (*exec.Cmd, error) {
	cmd, err := ourselves(append([]string{"bench"}, args...)...)
	if err != nil {
		return nil, err
	}
	cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", cores))
	cmd.Stderr = os.Stderr
	return cmd, nil
}

// fromProcess has "bench PART ROUNDS" measure something in a process of its own, on the CPU of
// core 0. what is that something, for errors.
func fromProcess[T any](what, part, rounds string) (samples T, err error) {
	cmd, err := ourBench(1, part, rounds)
	if err != nil {
		return samples, err
	}
	out, err := cmd.Output()
	if err != nil {
		return samples, fmt.Errorf("bench: %s as a process: %w: its own lines stand above", what, err)
	}
	return samples, json.Unmarshal(out, &samples)
}

// asProcess is the body of such a process: it prints what measure measures.
func asProcess[T any](w io.Writer, rounds string, measure func(rounds int) (T, error)) error {
	n, err := strconv.Atoi(rounds)
	if err != nil {
		return fmt.Errorf("bench: rounds: %w: give a number", err)
	}
	pinToFirst()
	samples, err := measure(n)
	if err != nil {
		return fmt.Errorf("bench: %w: report it", err)
	}
	return json.NewEncoder(w).Encode(samples)
}

// pinToFirst pins this process to CPU 0, where core 0 is. Unpinned it does the
// same work.
func pinToFirst() {
	var set unix.CPUSet
	set.Set(0)
	_ = unix.SchedSetaffinity(0, &set)
}

// outputOn runs a process that may use the CPUs of the first n cores only, and returns what
// it printed.
func outputOn(n int, cmd *exec.Cmd) (out []byte, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread, and what it is bound to, ends with the goroutine
		if err = bind(n); err == nil {
			out, err = cmd.Output()
		}
	}()
	<-done
	return out, err
}

// bind binds the thread, and processes that it starts, to the first n CPUs that
// it may use.
func bind(n int) error {
	var may, set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		return err
	}
	for i := 0; i < 64*len(may) && set.Count() < n; i++ {
		if may.IsSet(i) {
			set.Set(i)
		}
	}
	return unix.SchedSetaffinity(0, &set)
}
