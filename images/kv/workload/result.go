package workload

import (
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latencies are the times that operations took, in cycles, each kept to three
// digits. Recording allocates nothing.
type Latencies struct{ h *hdrhistogram.Histogram }

// longest is the longest time told apart from longer ones: minutes.
const longest = 1 << 40

// NewLatencies returns an empty record, of about 250 KiB.
func NewLatencies() *Latencies { return &Latencies{hdrhistogram.New(1, longest, 3)} }

// Record notes n operations of so many cycles.
func (l *Latencies) Record(cycles uint64, n int64) {
	_ = l.h.RecordValues(int64(min(cycles, longest)), n) // which fails beyond longest only
}

// Each yields the times that came up and how often.
func (l *Latencies) Each(yield func(cycles uint64, n int64) bool) {
	for _, b := range l.h.Distribution() {
		if b.Count > 0 && !yield(uint64(b.From), b.Count) {
			return
		}
	}
}

// Add notes what another record holds.
func (l *Latencies) Add(from *Latencies) { l.h.Merge(from.h) }

// Count is how many operations were noted.
func (l *Latencies) Count() int64 { return l.h.TotalCount() }

// Result is what one run measured. Its JSON names are read by 'barreleye bench'.
type Result struct {
	Operations int64   `json:"operations"`
	Seconds    float64 `json:"seconds"`
	PerSecond  float64 `json:"operations_per_second"`
	P50        float64 `json:"p50_ns"`
	P90        float64 `json:"p90_ns"`
	P99        float64 `json:"p99_ns"`
	P999       float64 `json:"p99.9_ns"`
	Max        float64 `json:"max_ns"`
}

// NewResult sums up latencies in cycles, of operations that took so many cycles
// from the first one's begin to the last one's end.
func NewResult(l *Latencies, cycles uint64, nsPerCycle float64) Result {
	ns := func(cycles int64) float64 { return math.Round(float64(cycles) * nsPerCycle) }
	q := func(percent float64) float64 { return ns(l.h.ValueAtPercentile(percent)) }
	seconds := float64(cycles) * nsPerCycle / 1e9
	return Result{
		Operations: l.Count(), Seconds: seconds, PerSecond: math.Round(float64(l.Count()) / seconds),
		P50: q(50), P90: q(90), P99: q(99), P999: q(99.9), Max: ns(l.h.Max()),
	}
}
