package bench

import (
	"bytes"
	"encoding/json"
	"fmt"

	"barreleye/vmm/multikernel"
	"barreleye/vmm/temporary"

	"golang.org/x/sys/unix"
)

func oneCore(o *multikernel.Options) { o.Cores = 1 }

// Start measures from the start of the command to main in each of four cores,
// and what a core costs the host that only says hello.
func Start(o Options) (*Report, error) {
	r := o.newReport()
	var last, first, resident, phases []float64
	rounds := o.rounds(20)
	for round := range rounds {
		o.step("start %d of %d", round+1, rounds)
		dir, remove, err := temporary.Dir("barreleye-bench-")
		if err != nil {
			return r, fmt.Errorf("bench: %w: set TMPDIR to a folder with room", err)
		}
		var out bytes.Buffer
		cmd, err := ourselves("run", "--platform", o.Platform.Platform, "--cores", "4", "--dir", dir, "-o", "json", "hello")
		if err != nil {
			remove()
			return r, err
		}
		cmd.Stdout = &out
		err = cmd.Run()
		remove()
		if err != nil {
			return r, fmt.Errorf("bench: %v: %w: try the command by hand", cmd.Args, err)
		}
		var report multikernel.Report
		if err := json.Unmarshal(out.Bytes(), &report); err != nil {
			return r, fmt.Errorf("bench: report of a run: %w: report it", err)
		}
		lo, hi := report.Cores[0].BootMS, 0.0
		for _, c := range report.Cores {
			lo, hi = min(lo, c.BootMS), max(hi, c.BootMS)
			resident = append(resident, float64(c.ResidentKiB))
		}
		first, last = append(first, lo), append(last, hi)
		for _, p := range report.Timing {
			if p.Name == "cores start" {
				phases = append(phases, p.AtMS)
			}
		}
	}
	r.Rows = []Row{
		row("start_vmm", "ms", 1, phases, nil),
		row("start_first_main", "ms", 1, first, nil),
		row("start_4_mains", "ms", 1, last, nil),
		row("hello_resident", "KiB", 1, resident, nil),
	}
	return r, nil
}

// processCPU returns the CPU seconds of this process so far, guests and cores
// that were processes included.
func processCPU() (seconds float64) {
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		_ = unix.Getrusage(who, &u)
		seconds += float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
	}
	return seconds
}
