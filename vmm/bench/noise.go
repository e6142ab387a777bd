package bench

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"barreleye/devices/clock"
)

// Noise is what else went on before the start. It is a warning, no verdict: the
// figures may be good all the same, and bad in spite of silence.
type Noise struct {
	Noisy    bool       `json:"noisy"`
	Why      []string   `json:"why"`      // with figures; none if not Noisy
	Runnable int        `json:"runnable"` // processes that wanted a CPU beside the check, median of its looks
	CPUs     []CPUNoise `json:"cpus"`
}

// CPUNoise is what a thread saw that did nothing but read the TSC.
type CPUNoise struct {
	CPU            int     `json:"cpu"`
	Gaps           int     `json:"gaps"` // above 10 us
	LongestUS      float64 `json:"longest_us"`
	MissingPercent float64 `json:"missing_percent"` // share of the time that is in these gaps
	StealPercent   float64 `json:"steal_percent"`   // share that /proc/stat calls stolen
}

// The check, and from where on its figures are worth a warning. A timer
// interrupt takes a few us, so gaps from 10 us on are somebody else's work.
const (
	noiseFor    = 180 * time.Millisecond
	noiseGap    = 10 * time.Microsecond
	noiseMost   = 16     // CPUs that are looked at
	maxMissing  = 1.0    // percent
	maxLongest  = 1000.0 // us
	maxSteal    = 1.0    // percent
	noiseLooks  = 9
	yieldBefore = 5 * time.Millisecond // the Go scheduler interrupts whoever computes longer
)

// checkNoise watches the first CPUs of this process.
func checkNoise() Noise {
	cpus := allowedCPUs()
	cpus = cpus[:min(len(cpus), noiseMost)]
	n := Noise{Why: []string{}, CPUs: make([]CPUNoise, len(cpus))}
	before := make([]cpuTicks, len(cpus))
	for i, cpu := range cpus {
		before[i] = readTicks(fmt.Sprint("cpu", cpu))
	}
	start := clock.TSC()
	began := time.Now()
	time.Sleep(noiseFor / noiseLooks)
	perUS := float64(clock.TSC()-start) / (float64(time.Since(began).Nanoseconds()) / 1000)
	var all sync.WaitGroup
	for i, cpu := range cpus {
		all.Go(func() {
			// Without being bound it still sees what its thread misses.
			<-pinned(cpu, func() { n.CPUs[i] = watchTSC(perUS) })
			n.CPUs[i].CPU = cpu
		})
	}
	var looks []int
	for range noiseLooks {
		time.Sleep(noiseFor / (noiseLooks + 1))
		looks = append(looks, runnable()-len(cpus)-1) // the spinners, and who looks
	}
	all.Wait()
	slices.Sort(looks)
	n.Runnable = max(0, looks[len(looks)/2])
	for i, cpu := range cpus {
		n.CPUs[i].StealPercent = round(100 * before[i].stolenUntil(readTicks(fmt.Sprint("cpu", cpu))))
	}
	n.judge()
	return n
}

// watchTSC reads the TSC for noiseFor and notes where it jumps.
func watchTSC(perUS float64) (c CPUNoise) {
	gap, yield := uint64(noiseGap.Seconds()*1e6*perUS), uint64(yieldBefore.Seconds()*1e6*perUS)
	length := uint64(noiseFor.Seconds() * 1e6 * perUS)
	var missing, longest, watched uint64
	for watched < length {
		first := clock.TSC()
		last := first
		for last-first < yield {
			now := clock.TSC()
			if d := now - last; d > gap {
				c.Gaps++
				missing += d
				longest = max(longest, d)
			}
			last = now
		}
		watched += last - first
		runtime.Gosched()
	}
	c.LongestUS = round(float64(longest) / perUS)
	c.MissingPercent = round(100 * float64(missing) / float64(watched))
	return c
}

// judge says why the figures should not be trusted.
func (n *Noise) judge() {
	for _, c := range n.CPUs {
		switch {
		case c.MissingPercent > maxMissing:
			n.Why = append(n.Why, fmt.Sprintf("CPU %d was somewhere else for %.1f %% of the time, %.0f us at once", c.CPU, c.MissingPercent, c.LongestUS))
		case c.LongestUS > maxLongest:
			n.Why = append(n.Why, fmt.Sprintf("CPU %d was somewhere else for %.0f us", c.CPU, c.LongestUS))
		case c.StealPercent > maxSteal:
			n.Why = append(n.Why, fmt.Sprintf("%.1f %% of CPU %d were stolen", c.StealPercent, c.CPU))
		}
	}
	if n.Runnable > 0 {
		n.Why = append(n.Why, fmt.Sprintf("%d other processes want a CPU", n.Runnable))
	}
	n.Noisy = len(n.Why) > 0
}

// Warning is the check's result as one line, "" if all was quiet.
func (n Noise) Warning() string {
	if !n.Noisy {
		return ""
	}
	return "this machine is noisy: " + strings.Join(n.Why, "; ")
}

// runnable is how many threads of all processes run or want to.
func runnable() int {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return math.MinInt32 // unknown: none besides us
	}
	for line := range strings.Lines(string(b)) {
		if text, ok := strings.CutPrefix(line, "procs_running "); ok {
			n, _ := strconv.Atoi(strings.TrimSpace(text))
			return n
		}
	}
	return math.MinInt32
}
