package bench

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"runtime"
	"time"

	"barreleye/devices/region"
	"barreleye/vmm/builtin"
	"barreleye/vmm/image"
	"barreleye/vmm/kvm"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/temporary"
)

// Options of all benchmarks.
type Options struct {
	Quick    bool               // fewer rounds: shows that it works, figures are rough
	Platform multikernel.Choice // what the cores are

	// Only names the parts to measure, of benchmarks that have any (URPCParts).
	// None: all, or with Quick the basic ones.
	Only []string

	ends int // with which a run may end beside 0, for benchmarks of crashes

	few int // rounds of everything, for tests of what is measured; 0: as many as it takes

	// Watch, if set, notes where the cores were. Observe sets it.
	Watch *Watch

	// Step, if set, is told what is being measured from now on, in a few words.
	Step func(what string)
}

func (o Options) step(format string, args ...any) {
	if o.Step != nil {
		o.Step(fmt.Sprintf(format, args...))
	}
}

// onKVM reports whether cores are virtual machines.
func (o Options) onKVM() bool { return o.Platform.Platform == multikernel.PlatformKVM }

// rounds returns n, or less of it for a quick run.
func (o Options) rounds(n int) int {
	if o.few > 0 {
		return o.few
	}
	if o.Quick {
		return max(n/5, 3)
	}
	return n
}

// newReport notes where the benchmark runs.
func (o Options) newReport() *Report {
	r := &Report{Platform: o.Platform.Platform, Flavour: string(o.Platform.Flavour), CPU: cpuModel(), CPUs: runtime.NumCPU()}
	if o.onKVM() {
		r.HaltPollNS = kvm.HaltPoll()
	}
	return r
}

func cpuModel() string { return cmp.Or(cpuInfo("model name"), "unknown CPU") }

// cores runs an image of its own on some cores and returns what it printed.
func (o Options) cores(im *image.Image, change func(*multikernel.Options), args ...string) ([]byte, *multikernel.Report, error) {
	dir, remove, err := temporary.Dir("barreleye-bench-")
	if err != nil {
		return nil, nil, fmt.Errorf("bench: %w: set TMPDIR to a folder with room", err)
	}
	var console bytes.Buffer
	opt := &multikernel.Options{
		Platform: o.Platform.Platform, Image: im, Args: args, Cores: 2, Memory: 64 << 20, Tick: 10 * time.Millisecond, HaltPoll: -1,
		Dir: dir, Console: &console, Started: time.Now(),
	}
	if change != nil {
		change(opt)
	}
	inspect := opt.Inspect
	opt.Inspect = func(v *region.View) {
		o.Watch.placed(v)
		if inspect != nil {
			inspect(v)
		}
	}
	report, err := multikernel.Run(opt)
	o.Watch.ran(report)
	if err == nil && report.ExitCode != 0 && report.ExitCode != o.ends {
		err = fmt.Errorf("bench: a core ended too early: %s: report it", report.Errors()) // which names files in dir
	} else {
		remove()
	}
	return console.Bytes(), report, err
}

// builtinImage loads a built-in image.
func builtinImage(name string) (*image.Image, error) {
	elf, err := builtin.Image(name)
	if err != nil {
		return nil, err
	}
	return image.Load(name, elf)
}

// coreZero decodes the line of JSON that core 0 printed.
func coreZero(console []byte, into any) error {
	for line := range bytes.Lines(console) {
		if text, ok := bytes.CutPrefix(line, []byte("[0] {")); ok {
			return json.Unmarshal(append([]byte("{"), text...), into)
		}
	}
	return fmt.Errorf("bench: core 0 printed no result but %.200q: report it", console)
}
