package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"barreleye/vmm/image"
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
			if p.Name == "cores started" {
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

// Idle measures the CPU time of a multikernel of four cores that sleep.
func Idle(o Options) (*Report, error) {
	r := o.newReport()
	im, err := builtinImage("idle")
	if err != nil {
		return r, err
	}
	long := 5 * time.Second
	if o.Quick {
		long = time.Second
	}
	var share []float64
	for turn := range turns {
		o.step("turn %d of %d", turn+1, turns)
		short, err := o.idleCPU(im, 100*time.Millisecond)
		if err != nil {
			return r, err
		}
		all, err := o.idleCPU(im, long)
		if err != nil {
			return r, err
		}
		// the difference is idling alone, without boot and end
		share = append(share, 100*(all-short)/(long-100*time.Millisecond).Seconds()/4)
	}
	r.Rows = []Row{row("idle_cpu_per_core", "%", 1, share, nil)}
	return r, nil
}

// idleCPU returns the CPU seconds that four cores cost which sleep for d.
func (o Options) idleCPU(im *image.Image, d time.Duration) (float64, error) {
	before := processCPU()
	_, _, err := o.cores(im, func(opt *multikernel.Options) { opt.Cores = 4 }, "-for", d.String())
	return processCPU() - before, err
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
