package multikernel

import (
	"math"
	"sync/atomic"

	"barreleye/urpc"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// LatencyReport sums up the latencies of the messages that were timed: from just
// before a message was written until the receiver took it, in ns.
type LatencyReport struct {
	Samples uint64  `json:"samples"`
	Refused uint64  `json:"refused,omitempty"` // times that a sender cannot have written in good faith
	P50     float64 `json:"p50_ns"`
	P90     float64 `json:"p90_ns"`
	P99     float64 `json:"p99_ns"`
	P999    float64 `json:"p99.9_ns"`
	Max     float64 `json:"max_ns"`
}

// latencies gathers what cores recorded.
type latencies struct {
	h          *hdrhistogram.Histogram // in cycles
	nsPerCycle float64
	samples    uint64
	max        uint64 // cycles
	refused    uint64
}

// newLatencies returns an empty gathering, with cells that are finer than those of
// the cores (urpc.Histogram): 3 digits.
func newLatencies(tscKHz uint64) *latencies {
	_, end := urpc.CellRange(urpc.HistogramCells - 1)
	return &latencies{h: hdrhistogram.New(1, int64(end), 3), nsPerCycle: 1e6 / float64(tscKHz)}
}

func (l *latencies) reset() {
	l.h.Reset()
	l.samples, l.max, l.refused = 0, 0, 0
}

// add gathers what a core received over one channel. A hostile core may have
// written anything there.
func (l *latencies) add(s *urpc.Stats) {
	for cell, n := range s.Cells.Each {
		low, high := urpc.CellRange(cell)
		_ = l.h.RecordValues(int64((low+high)/2), int64(n)) // which fails beyond the last cell only
	}
	l.max = max(l.max, atomic.LoadUint64(&s.Latency.Max))
	l.samples += atomic.LoadUint64(&s.Latency.Taken)
	l.refused += atomic.LoadUint64(&s.Latency.Refused)
}

func (l *latencies) merge(o *latencies) {
	l.h.Merge(o.h)
	l.samples += o.samples
	l.max = max(l.max, o.max)
	l.refused += o.refused
}

// report sums up; nil without samples. The middle of a cell may lie above the
// longest latency, which is known to the cycle: no quantile is above that.
func (l *latencies) report() *LatencyReport {
	if l.samples == 0 {
		return nil
	}
	ns := func(cycles uint64) float64 { return math.Round(float64(cycles)*l.nsPerCycle*10) / 10 }
	q := func(percent float64) float64 { return ns(min(uint64(l.h.ValueAtPercentile(percent)), l.max)) }
	return &LatencyReport{
		Samples: l.samples, Refused: l.refused,
		P50: q(50), P90: q(90), P99: q(99), P999: q(99.9), Max: ns(l.max),
	}
}
