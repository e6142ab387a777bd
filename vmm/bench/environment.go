package bench

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"barreleye/vmm/kvm"
	"barreleye/vmm/multikernel"

	"golang.org/x/sys/unix"
)

// Environment is where and when a benchmark ran, as far as it can be known: what
// the host does not tell is empty, 0, or -1 where 0 would say something. Its JSON
// names are stable.
type Environment struct {
	Date      string  `json:"date"`       // of the start, RFC 3339
	DurationS float64 `json:"duration_s"` // from the noise check to the last figure
	Version   string  `json:"version"`    // of this binary, with its commit
	Go        string  `json:"go"`

	CPU        string `json:"cpu"`
	CPUs       int    `json:"cpus"`              // that this process may use
	Machine    string `json:"machine,omitempty"` // vendor and product
	Hypervisor bool   `json:"hypervisor"`        // the host is a virtual machine itself
	Kernel     string `json:"kernel"`
	Platform   string `json:"platform"`
	Flavour    string `json:"flavour,omitempty"`
	HaltPollNS int    `json:"halt_poll_ns"` // of the host's KVM, -1: unknown

	TSCKHz      uint64   `json:"tsc_khz"`
	TSCFlags    []string `json:"tsc_flags"` // of constant_tsc, nonstop_tsc, tsc_known_freq, tsc_reliable
	ClockSource string   `json:"clock_source"`

	Placement []Place       `json:"placement"` // of the cores of the last run
	Ring      *RingPosition `json:"ring,omitempty"`

	Load         [3]float64 `json:"load"` // of 1, 5 and 15 minutes at the start
	StealPercent float64    `json:"steal_percent"`
	Noise        Noise      `json:"noise"`
}

// Place is the CPU of one core.
type Place struct {
	Core     int    `json:"core"`
	CPU      int    `json:"cpu"`
	Siblings string `json:"siblings"` // CPUs of the same physical core, its own included
	Node     int    `json:"node"`     // of NUMA, -1: unknown
	Governor string `json:"governor,omitempty"`
}

// tscFlags are what Linux says of the TSC that matters for timing by it.
var tscFlags = []string{"constant_tsc", "nonstop_tsc", "tsc_known_freq", "tsc_reliable"}

// Watch notes where a benchmark runs, from before its start to its end.
type Watch struct {
	env   Environment
	began time.Time
	ticks cpuTicks
}

// Observe looks at the machine before a benchmark, for 0.2 s. It sets o.Watch,
// by which the benchmark notes what only it knows.
func (o *Options) Observe(version string) *Watch {
	w := &Watch{began: time.Now()}
	w.env = Environment{
		Date: w.began.Format(time.RFC3339), Version: version, Go: runtime.Version(),
		CPU: cpuModel(), CPUs: runtime.NumCPU(), Machine: machineName(), Kernel: kernelName(),
		Platform: o.Platform.Platform, Flavour: string(o.Platform.Flavour), HaltPollNS: kvm.HaltPoll(),
		ClockSource: firstLine("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
		TSCFlags:    []string{}, Placement: []Place{}, Load: loadAverage(),
	}
	flags := cpuFlags()
	w.env.Hypervisor = slices.Contains(flags, "hypervisor")
	for _, f := range tscFlags {
		if slices.Contains(flags, f) {
			w.env.TSCFlags = append(w.env.TSCFlags, f)
		}
	}
	w.env.Noise = checkNoise()
	w.ticks = readTicks("cpu")
	o.Watch = w
	return w
}

// Noise is what the check before the start found.
func (w *Watch) Noise() Noise { return w.env.Noise }

// End returns the record once the benchmark is over.
func (w *Watch) End() *Environment {
	w.env.DurationS = round(time.Since(w.began).Seconds())
	w.env.StealPercent = round(100 * w.ticks.stolenUntil(readTicks("cpu")))
	return &w.env
}

// ran notes what a run of cores tells. A nil Watch takes no notes.
func (w *Watch) ran(r *multikernel.Report) {
	if w == nil || r == nil {
		return
	}
	w.env.TSCKHz = r.TSCKHz
	if len(r.Cores) < len(w.env.Placement) {
		return
	}
	w.env.Placement = w.env.Placement[:0]
	for _, c := range r.Cores {
		dir := fmt.Sprintf("/sys/devices/system/cpu/cpu%d/", c.CPU)
		p := Place{Core: c.Core, CPU: c.CPU, Siblings: firstLine(dir + "topology/thread_siblings_list"), Node: -1, Governor: firstLine(dir + "cpufreq/scaling_governor")}
		if nodes, _ := filepath.Glob(dir + "node[0-9]*"); len(nodes) == 1 {
			p.Node, _ = strconv.Atoi(strings.TrimPrefix(filepath.Base(nodes[0]), "node"))
		}
		w.env.Placement = append(w.env.Placement, p)
	}
}

// firstLine reads a small file, "" if it is not there.
func firstLine(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(line)
}

func machineName() string {
	return strings.TrimSpace(firstLine("/sys/class/dmi/id/sys_vendor") + " " + firstLine("/sys/class/dmi/id/product_name"))
}

func kernelName() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
}

func loadAverage() (load [3]float64) {
	fmt.Sscan(firstLine("/proc/loadavg"), &load[0], &load[1], &load[2])
	return load
}

// cpuFlags are what /proc/cpuinfo lists for the first CPU.
func cpuFlags() []string { return strings.Fields(cpuInfo("flags")) }

// cpuInfo returns a field of the first CPU in /proc/cpuinfo, "" if it is not there.
func cpuInfo(field string) string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == field {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// cpuTicks are the times of one CPU, or all, in /proc/stat.
type cpuTicks struct{ all, stolen float64 }

// readTicks reads the times of "cpu0", or of all with "cpu"; none if unknown.
func readTicks(cpu string) (t cpuTicks) {
	b, _ := os.ReadFile("/proc/stat")
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 9 || f[0] != cpu {
			continue
		}
		for _, text := range f[1:9] { // guest times are in user's already
			v, _ := strconv.ParseFloat(text, 64)
			t.all += v
		}
		t.stolen, _ = strconv.ParseFloat(f[8], 64)
	}
	return t
}

// stolenUntil is the share of the time between t and u that the hypervisor below
// gave to somebody else.
func (t cpuTicks) stolenUntil(u cpuTicks) float64 {
	if u.all <= t.all {
		return 0
	}
	return math.Max(0, u.stolen-t.stolen) / (u.all - t.all)
}
