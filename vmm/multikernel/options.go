// Package multikernel runs all cores of one multikernel: it places them on
// host CPUs, wires their doorbells, keeps their clock, drains their logs,
// notices how each of them ends, and reports.
package multikernel

import (
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"time"

	"barreleye/devices/doorbell"
	"barreleye/vmm/image"
)

// Options describes a run.
type Options struct {
	Image    *image.Image
	Args     []string // argv[1:] of the program
	Env      []string // its environment
	Cores    int
	Memory   uint64        // bytes of private RAM per core
	Pin      string        // "auto", "none", or CPUs by core: "0,1,..."
	Tick     time.Duration // period of the tick while something runs, 0 for none
	Poll     string        // how long idle cores poll before they halt: "auto" or a duration
	HaltPoll int           // ns that KVM polls for halted cores, -1 for the host's setting
	Populate bool          // back all memory before the start
	Dir      string        // where logs go
	Console  io.Writer     // where log lines go as well
	Started  time.Time     // when the command started
	Kick     <-chan Reason // asks to stop everything
}

// MaxCores is the largest number of cores.
const MaxCores = 64

// Reason is why somebody asks to stop a run.
type Reason struct {
	Text string // "SIGINT"
	Code int    // exit code of the run
}

// Check reports options that no run can have.
func (o *Options) Check() error {
	if o.Cores < 1 || o.Cores > min(MaxCores, doorbell.MaxCores) {
		return fmt.Errorf("run: %d cores: use --cores 1 to %d", o.Cores, MaxCores)
	}
	if o.Tick != 0 && (o.Tick < 200*time.Microsecond || o.Tick > time.Second) {
		return fmt.Errorf("run: tick of %v: use --tick 0 or 200us to 1s", o.Tick)
	}
	_, err := o.placement()
	return err
}

// placement returns the CPU of each core, -1 for none.
func (o *Options) placement() ([]int, error) {
	cpus, err := allowedCPUs()
	if err != nil {
		return nil, err
	}
	place := make([]int, o.Cores)
	switch o.Pin {
	case "", "auto":
		for i := range place {
			place[i] = cpus[i%len(cpus)]
		}
	case "none":
		for i := range place {
			place[i] = -1
		}
	default:
		list := strings.Split(o.Pin, ",")
		for i := range place {
			cpu, err := strconv.Atoi(list[i%len(list)])
			if err != nil || !contains(cpus, cpu) {
				return nil, fmt.Errorf("run: --pin %s: no CPU %q among those this process may use %v: use auto, none or a list of these", o.Pin, list[i%len(list)], cpus)
			}
			place[i] = cpu
		}
	}
	return place, nil
}

func contains(list []int, n int) bool {
	for _, v := range list {
		if v == n {
			return true
		}
	}
	return false
}

// crowded reports whether cores outnumber the CPUs they may use, so that one
// that polls would keep another from running.
func (o *Options) crowded(place []int) bool {
	seen := map[int]bool{}
	for _, cpu := range place {
		if cpu >= 0 && seen[cpu] {
			return true
		}
		seen[cpu] = true
	}
	return o.Cores > runtime.NumCPU()
}

// defaultPoll is the measured price of halting and being woken after a long
// gap (paper §5.2: polling as long as a sleep costs is at most twice the best).
const defaultPoll = 60 * time.Microsecond

func (o *Options) pollTime(crowded bool) (time.Duration, error) {
	if o.Poll == "" || o.Poll == "auto" {
		if crowded {
			return 0, nil
		}
		return defaultPoll, nil
	}
	d, err := time.ParseDuration(o.Poll)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("run: --poll %s: use auto or a duration such as 60us", o.Poll)
	}
	return d, nil
}
