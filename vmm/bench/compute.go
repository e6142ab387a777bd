package bench

import (
	"fmt"
	"io"
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
		p, err := fromProcess[[]float64]("the kernel", "kernel", n)
		if err != nil {
			return r, err
		}
		process = append(process, p...)
	}
	r.Rows = []Row{row("compute", "ms", 1e6, ours, process).of("process")}
	r.Rows[0].Note = "the limit is the same code as a Linux process"
	return r, nil
}

// Kernel is the body of the process that runs the kernel: it prints the ns of each round.
func Kernel(w io.Writer, rounds string) error {
	return asProcess(w, rounds, func(n int) (samples []float64, err error) {
		kernel.Run()
		for range n {
			t := time.Now()
			kernel.Run()
			samples = append(samples, float64(time.Since(t).Nanoseconds()))
		}
		return samples, nil
	})
}
