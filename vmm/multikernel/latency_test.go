package multikernel

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"barreleye/devices/region"
	"barreleye/urpc"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// received is the statistics of a receiver that took messages of these latencies
// in cycles, as its core would have written them.
func received(latencies []int64) *urpc.Stats {
	s := &urpc.Stats{}
	for _, v := range latencies {
		s.Cells[cellOf(uint64(v))]++
		s.Latency.Taken++
		s.Latency.Max = max(s.Latency.Max, uint64(v))
	}
	return s
}

// cellOf finds the cell of a duration by the cells' ranges alone.
func cellOf(cycles uint64) int {
	for i := range urpc.HistogramCells - 1 {
		if _, high := urpc.CellRange(i); cycles < high {
			return i
		}
	}
	return urpc.HistogramCells - 1
}

// TestQuantiles compares what a core recorded with an HdrHistogram of three digits
// of the same latencies: within half a cell of 8 cycles or 1/32, and the
// histogram's own digits.
func TestQuantiles(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	const khz = 2_000_000 // a cycle is half a nanosecond
	merged, whole := newLatencies(khz), hdrhistogram.New(1, 1<<33, 3)
	for range 5 {
		var values []int64
		centre := math.Exp(rng.Float64() * 18)
		want := hdrhistogram.New(1, 1<<33, 3)
		for range 5000 {
			v := int64(min(50+centre*math.Exp(rng.NormFloat64()), 1<<32))
			values = append(values, v)
			want.RecordValue(v)
			whole.RecordValue(v)
		}
		got := newLatencies(khz)
		got.add(received(values))
		merged.merge(got)
		compare(t, got.report(), want, len(values))
	}
	compare(t, merged.report(), whole, 25000)
}

func compare(t *testing.T, got *LatencyReport, want *hdrhistogram.Histogram, samples int) {
	t.Helper()
	if got.Samples != uint64(samples) {
		t.Errorf("%d samples, want %d", got.Samples, samples)
	}
	for percent, ns := range map[float64]float64{50: got.P50, 90: got.P90, 99: got.P99, 99.9: got.P999, 100: got.Max} {
		w := float64(want.ValueAtPercentile(percent)) / 2
		if off := math.Abs(ns - w); off > 4 && off > w*(1.0/64+2.0/1000) {
			t.Errorf("%v %%: %v ns, want %v", percent, ns, w)
		}
	}
}

// TestNothingTimed: no samples are no latencies, and a receiver that only refused
// says so.
func TestNothingTimed(t *testing.T) {
	l := newLatencies(1_000_000)
	l.add(&urpc.Stats{})
	if r := l.report(); r != nil {
		t.Errorf("of nothing: %+v", r)
	}
	l.add(&urpc.Stats{Latency: urpc.Latency{Taken: 2, Refused: 2}})
	if r := l.report(); r == nil || r.Samples != 2 || r.Refused != 2 || r.Max != 0 {
		t.Errorf("of stamps that were refused: %+v", r)
	}
}

// TestChannelTable shows each count in its column.
func TestChannelTable(t *testing.T) {
	sender := &urpc.Stats{Send: urpc.SendCounts{Messages: 11, Batches: 12, Stalls: 13, Wakes: 14, Parks: 15}}
	receiver := received([]int64{100, 100, 100, 4000})
	receiver.Recv = urpc.RecvCounts{Messages: 10, Polls: 16, Wakes: 17, Parks: 18}
	c := channelReport(region.Direction{From: 2, To: 3, Channel: "program", Sender: sender, Receiver: receiver})
	l := newLatencies(1_000_000) // a cycle is a nanosecond
	l.add(receiver)
	c.Latency = l.report()
	want := ChannelReport{From: 2, To: 3, Channel: "program", Messages: 11, Received: 10, Batches: 12, Stalls: 13, Wakes: 14,
		Polls: 16, Parks: 18, RoomWakes: 17, RoomParks: 15, Latency: &LatencyReport{Samples: 4, P50: 100, P90: 4000, P99: 4000, P999: 4000, Max: 4000}}
	got := *c.Latency
	if c.Latency = want.Latency; c != want || got != *want.Latency {
		t.Errorf("%+v, %+v, want %+v, %+v", c, got, want, *want.Latency)
	}
	all := ChannelReport{From: -1, To: -1, Channel: "all but monitor"}
	all.add(&c)
	all.add(&c)
	r := Report{Channels: []ChannelReport{c}, AllChannels: &all}
	var out bytes.Buffer
	r.ChannelTable(&out)
	rows := []string{
		"FROM TO CHANNEL MESSAGES BATCHES STALLS WAKES POLLS PARKS SAMPLES P50 us P99 us P99.9 us MAX us",
		"2 3 program 11 12 13 14 16 18 4 0.10 4.00 4.00 4.00",
		"all but monitor 22 24 26 28 32 36 0 - - - -",
	}
	for i, line := range strings.Split(strings.TrimRight(out.String(), "\n"), "\n") {
		if got := strings.Join(strings.Fields(line), " "); i >= len(rows) || got != rows[i] {
			t.Errorf("line %d: %q, want of %q", i, got, rows)
		}
	}
}
