package bench

import (
	"fmt"
	"io"
	"time"

	"barreleye/images/bench/paths"
	"barreleye/vmm/builtin"
	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
)

// CPUDriver measures what the way into a core's CPU driver and back costs: what a
// program asks for, beside the same in a Linux process with GOMAXPROCS=1 on the same
// CPU, in turns; interrupts of a program that computes; and wake-ups.
func CPUDriver(o Options) (*Report, error) {
	r := o.newReport()
	for _, measure := range []func(Options) ([]Row, error){pathRows, mapRows, trappedRows, interruptRows, wakeRows} {
		rows, err := measure(o)
		r.Rows = append(r.Rows, rows...)
		if err != nil {
			return r, err
		}
	}
	return r, nil
}

// pathRows measures what a program asks for.
func pathRows(o Options) ([]Row, error) {
	im, err := builtinImage("bench")
	if err != nil {
		return nil, err
	}
	ours, process := map[string][]float64{}, map[string][]float64{}
	for turn := range turns {
		o.step("ways into the kernel, turn %d of %d", turn+1, turns)
		n := fmt.Sprint(o.rounds(51))
		samples, err := o.driverSamples(im, "driver", n)
		if err != nil {
			return nil, err
		}
		p, err := fromProcess[map[string][]float64]("the ways into Linux", "paths", n)
		if err != nil {
			return nil, err
		}
		for name := range samples {
			ours[name] = append(ours[name], samples[name]...)
			process[name] = append(process[name], p[name]...)
		}
	}
	var rows []Row
	for _, p := range paths.All {
		x := row("driver_"+p.Name, "ns", 1, ours[p.Name], process[p.Name]).per(p.Each).of("process")
		x.Note = p.Note
		rows = append(rows, x)
	}
	if calls := ours["driver_call"]; len(calls) > 0 {
		x := row("driver_call", "ns", 1, calls, nil)
		x.Note = "the shortest call of package guest to its driver"
		rows = append(rows, x)
	}
	return rows, nil
}

// driverSamples runs a part of the image bench on one core that measures the driver.
func (o Options) driverSamples(im *image.Image, part, rounds string) (samples map[string][]float64, err error) {
	console, _, err := o.cores(im, func(opt *multikernel.Options) { oneCore(opt); opt.Memory = 128 << 20 }, "-rounds", rounds, part)
	if err != nil {
		return nil, err
	}
	return samples, coreZero(console, &samples)
}

// mapRows measures what mapping frames takes in a virtual machine's own page tables, beside
// mmap and mprotect of the same memory in a process.
func mapRows(o Options) ([]Row, error) {
	if !o.onKVM() {
		return nil, nil
	}
	o.step("frames mapped by capabilities")
	im, err := builtinImage("bench")
	if err != nil {
		return nil, err
	}
	n := fmt.Sprint(o.rounds(1000))
	ours, err := o.driverSamples(im, "maps", n)
	if err != nil {
		return nil, err
	}
	o.Platform.Platform = multikernel.PlatformHosted
	process, err := o.driverSamples(im, "maps", n)
	if err != nil {
		return nil, err
	}
	notes := map[string]string{
		"4k": "a frame of 4 KiB", "2m": "one of 2 MiB, by one page; the process has small ones", "2m_small": "one of 2 MiB by 512 pages",
	}
	var rows []Row
	for _, what := range []string{"map", "touch", "protect", "unmap"} {
		for _, size := range []string{"4k", "2m", "2m_small"} {
			name := what + "_" + size
			x := row("driver_"+name, "ns", 1, ours[name], process[name]).of("process")
			x.Note = notes[size]
			rows = append(rows, x)
		}
	}
	return rows, nil
}

// trappedRows measures a system call that is not patched: it traps.
func trappedRows(o Options) ([]Row, error) {
	if !o.onKVM() {
		return nil, nil
	}
	o.step("system calls by the trap route")
	elf, err := builtin.Image("bench")
	if err != nil {
		return nil, err
	}
	unpatched, err := image.LoadOptions{NoPatch: true}.Load("bench", elf)
	if err != nil {
		return nil, err
	}
	patched, err := image.Load("bench", elf)
	if err != nil {
		return nil, err
	}
	n := fmt.Sprint(o.rounds(51))
	trapped, err := o.driverSamples(unpatched, "syscall", n)
	if err != nil {
		return nil, err
	}
	jumped, err := o.driverSamples(patched, "syscall", n)
	if err != nil {
		return nil, err
	}
	x := row("driver_syscall_trapped", "ns", 1, trapped["syscall"], jumped["syscall"]).of("patched")
	x.Note = "getpid with --no-patch"
	return []Row{x}, nil
}

// interruptRows measures what interrupts take of a program that computes.
func interruptRows(o Options) ([]Row, error) {
	if !o.onKVM() {
		return nil, nil
	}
	o.step("ticks and doorbells of a core that computes")
	im, err := builtinImage("bench")
	if err != nil {
		return nil, err
	}
	all, err := o.series(im, func(opt *multikernel.Options) { opt.Tick = time.Millisecond }, o.rounds(300), "interrupts")
	if err != nil {
		return nil, err
	}
	rows := seriesRows(all)
	for i := range rows {
		rows[i].Name = "driver_" + rows[i].Name
		rows[i].Note = "what one takes of the time of a program that computes"
	}
	return rows, nil
}

// Paths is the body of the process that measures the ways into Linux: it prints what each took.
func Paths(w io.Writer, rounds string) error { return asProcess(w, rounds, paths.Measure) }
