package bench

import (
	"fmt"

	"barreleye/vmm/multikernel"
)

// Crash measures how long after the end of a core its peers get an error from
// their channels with it.
func Crash(o Options) (*Report, error) {
	r := o.newReport()
	crash, err := builtinImage("crash")
	if err != nil {
		return r, err
	}
	ways := []string{"exit", "kill"}
	if o.onKVM() {
		ways = []string{"exit", "driver"}
	}
	o.ends = multikernel.CodeCrash
	for _, way := range ways {
		for _, state := range []string{multikernel.IdlePoll, multikernel.IdleHalt} {
			var samples []float64
			deaths := 4
			if state == multikernel.IdlePoll {
				deaths = 1 // each core takes a CPU
			}
			rounds := o.rounds(100 / deaths)
			for round := range rounds {
				o.step("%s, survivor's idle %s: run %d of %d", way, state, round+1, rounds)
				console, _, err := o.cores(crash, func(opt *multikernel.Options) {
					opt.Cores, opt.Idle, opt.Memory, opt.Pin = 1+deaths, state, 32<<20, survivorAlone(deaths)
				}, "detect", way)
				if err != nil {
					return r, err
				}
				var result struct {
					Samples []float64 `json:"samples_ns"`
				}
				if err := coreZero(console, &result); err != nil {
					return r, err
				}
				samples = append(samples, result.Samples...)
			}
			r.Rows = append(r.Rows, row("crash_to_error", "us", 1000, samples, nil).with("end", way).with("idle", state).with("samples", fmt.Sprint(len(samples))))
		}
	}
	return r, nil
}

// survivorAlone places core 0 on the first CPU and the others on the second, if
// there is one.
func survivorAlone(others int) string {
	cpus := allowedCPUs()
	list := fmt.Sprint(cpus[0])
	for range others {
		list += fmt.Sprintf(",%d", cpus[min(1, len(cpus)-1)])
	}
	return list
}
