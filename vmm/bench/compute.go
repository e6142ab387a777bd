package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"barreleye/images/bench/kernel"
)

// Compute compares the compute kernel in a guest with the same code in a Linux
// process with GOMAXPROCS=1 on the same CPU, in turns (paper Figure 9).
func Compute(o Options) (*Report, error) {
	r := o.newReport()
	im, err := builtinImage("bench")
	if err != nil {
		return r, err
	}
	var ours, process []float64
	for turn := range turns {
		o.step("turn %d of %d", turn+1, turns)
		n := fmt.Sprint(o.rounds(10))
		console, _, err := o.cores(im, oneCore, "-rounds", n, "compute")
		if err != nil {
			return r, err
		}
		var samples map[string][]float64
		if err := coreZero(console, &samples); err != nil {
			return r, err
		}
		ours = append(ours, samples["compute"]...)
		p, err := kernelProcess(n)
		if err != nil {
			return r, err
		}
		process = append(process, p...)
	}
	r.Rows = []Row{row("compute", "ms", 1e6, ours, process).of("process")}
	r.Rows[0].Note = "the limit is the same code as a Linux process"
	return r, nil
}

// kernelProcess runs the kernel in a process of its own.
func kernelProcess(rounds string) (samples []float64, err error) {
	cmd, err := ourselves("bench", "kernel", rounds)
	if err != nil {
		return nil, err
	}
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("bench: the kernel as a process: %w: its own lines stand above", err)
	}
	return samples, json.Unmarshal(out, &samples)
}

// Kernel is the body of that process: it prints the ns of each round.
func Kernel(w io.Writer, rounds string) error {
	n, err := strconv.Atoi(rounds)
	if err != nil {
		return fmt.Errorf("bench: rounds: %w: give a number", err)
	}
	pinToFirst()
	var samples []float64
	kernel.Run()
	for range n {
		t := time.Now()
		kernel.Run()
		samples = append(samples, float64(time.Since(t).Nanoseconds()))
	}
	return json.NewEncoder(w).Encode(samples)
}
