package page

import (
	"html/template"
	"slices"

	"barreleye/vmm/bench"
)

// figure is a plot with its words.
type figure struct {
	ID, Title, Text string
	SVG             template.HTML
	Legend          []legend
	Missing         string // the parts to ask for, if the report lacks them
}

// legend explains a colour. Class is s0, s1 ... and dashed where its line is.
type legend struct{ Class, Name string }

// plan is a figure to draw.
type plan struct {
	id, title, text string
	parts           string // of the benchmark, for who lacks them
	x, y            axis
	lines           func(*bench.Report) []series
	strips          func(*bench.Report) []bench.Row
}

// plansOf are the figures of a benchmark in the page's order. What is no other one's is
// that of bench urpc.
func plansOf(name string) []plan {
	if name == "monitor" {
		return monitorPlans
	}
	return plans
}

var plans = []plan{
	{
		id: "latency", title: "Latency of 64 bytes", parts: "base,each,peers,peers.native",
		text: "Round trips on the same two CPUs. Thick: 10 to 90 % of the samples, stroke: median, thin: shortest to 99 %; diamond: median of the limit beside it.",
		x:    axis{label: "", unit: timeUnit}, strips: latencies,
	},
	{
		id: "cumulated", title: "Single messages, cumulated", parts: "each,peers",
		text: "Share of round trips that took at most so long; each was timed by itself; the slowest 0.5 % are left out.",
		x:    axis{unit: timeUnit}, y: axis{label: "% of round trips", linear: true}, lines: func(r *bench.Report) []series { return singles(r, cumulate) },
	},
	{
		id: "histogram", title: "Single messages, histogram", parts: "each",
		text: "Share of round trips by what they took, in buckets 4.4 % wide; the slowest 0.5 % are left out.",
		x:    axis{unit: timeUnit}, y: axis{label: "% of round trips", linear: true},
		lines: func(r *bench.Report) []series {
			return slices.DeleteFunc(singles(r, counted), func(s series) bool { return s.kind == bench.Peer })
		},
	},
	{
		id: "payload", title: "Throughput by payload", parts: "payload,peers.payload",
		text: "Payload bytes a second. Streams go one way; handed over: each payload is acknowledged before the next. Pages change hands without a copy.",
		x:    axis{label: "payload", unit: byteUnit}, y: axis{label: "MB/s"},
		lines: func(r *bench.Report) []series {
			return slices.Concat(along(r, "payload_stream", "payload", throughput, false), along(r, "payload", "payload", throughput, false),
				along(r, "peer_payload", "payload", throughput, false))
		},
	},
	{
		id: "ring", title: "Stream rate by ring size", parts: "ring_size,peers,peers.native",
		text: "Messages of 64 bytes one way, all read and checked; dashed: the limit of the same format in bare assembly.",
		x:    axis{label: "lines of the ring", unit: countUnit}, y: axis{label: "M messages/s"},
		lines: func(r *bench.Report) []series {
			return append(along(r, "ring_size", "ring", rate, true), along(r, "peer_stream", "ring", rate, false)...)
		},
	},
	{
		id: "inflight", title: "Calls and messages under way", parts: "inflight",
		text: "Round trips a second, with so many under way at once.",
		x:    axis{label: "under way", unit: countUnit}, y: axis{label: "M round trips/s"},
		lines: func(r *bench.Report) []series {
			return append(along(r, "ring_inflight", "inflight", rate, false), along(r, "rpc_inflight", "inflight", rate, false)...)
		},
	},
	{
		id: "wake", title: "Wake-up of a core that halted", parts: "wake",
		text: "One way, from the sender's store to the goroutine that waits, by how long the core had slept; dashed: the least that can do the same.",
		x:    axis{label: "asleep for", unit: timeUnit}, y: axis{unit: timeUnit}, lines: wakes,
	},
	{
		id: "shared", title: "More cores than CPUs", parts: "shared",
		text: "Pairs among so many cores on two CPUs, all at once, where every wait is a sleep: a round trip, and the time per message of a stream; diamond: threads that wake each other by event descriptors.",
		x:    axis{unit: timeUnit},
		strips: func(r *bench.Report) []bench.Row {
			return named(r, "shared_ring", "shared_stream")
		},
	},
	{
		id: "fanout", title: "One to many and back", parts: "fanout",
		text: "A message from core 0 to all others and all their answers. Beyond two cores they share CPUs.",
		x:    axis{unit: timeUnit}, strips: func(r *bench.Report) []bench.Row { return named(r, "fanout") },
	},
	{
		id: "idle", title: "Idle channels", parts: "idle",
		text: "One way to a goroutine that waits for one of so many more channels, so long after its last message; diamond: with no other channel.",
		x:    axis{unit: timeUnit}, strips: func(r *bench.Report) []bench.Row { return named(r, "idle_channels") },
	},
}

// named returns the rows of some names that were measured.
func named(r *bench.Report, names ...string) (out []bench.Row) {
	for _, x := range r.Rows {
		if slices.Contains(names, x.Name) && x.Percentiles.N > 0 {
			out = append(out, x)
		}
	}
	return out
}

// latencies are the round trips of a line, of cores, threads and peers.
func latencies(r *bench.Report) []bench.Row {
	return append(named(r, "call", "ring", "call_each", "ring_each", "call_threads", "ring_threads", "rpc_same_core"), named(r, "peer_roundtrip")...)
}

// singles are round trips that were timed one by one.
func singles(r *bench.Report, outline func(*bench.Row) []point) (out []series) {
	for _, x := range append(named(r, "call_each", "ring_each", "call_each_threads", "ring_each_threads"), named(r, "peer_roundtrip")...) {
		if x.PerSample == 1 {
			out = append(out, series{name: rowWords(&x), kind: x.Kind, points: outline(&x)})
		}
	}
	return out
}

// wakes are medians, the slowest hundredth and limits by the gap.
func wakes(r *bench.Report) []series {
	ours, p99, limit := series{name: "median", kind: bench.Ours}, series{name: "99 %", kind: bench.Ours}, series{kind: bench.Limit, like: "median"}
	for _, g := range []struct {
		row string
		gap float64 // ns
	}{{"wake_50us", 50e3}, {"wake_1ms", 1e6}, {"wake_10ms", 10e6}} {
		x := find(r, g.row)
		if x == nil || x.Percentiles.N == 0 {
			continue
		}
		ours.points = append(ours.points, point{g.gap, median(x, 0)})
		p99.points = append(p99.points, point{g.gap, nanoseconds(x, x.P99)})
		if x.Limit > 0 {
			limit.name = "limit: " + words(x.LimitOf)
			limit.points = append(limit.points, point{g.gap, nanoseconds(x, x.Limit)})
		}
	}
	return []series{ours, p99, limit}
}

// draw draws the plans whose rows the report has. A report of another benchmark
// than urpc and monitor has none of them.
func draw(r *bench.Report, name string) (out []figure, err error) {
	for _, p := range plansOf(name) {
		f := figure{ID: p.id, Title: p.title, Text: p.text}
		if p.strips != nil {
			rows := p.strips(r)
			if len(rows) == 0 {
				f.Missing = p.parts
			} else if f.SVG, f.Legend, err = drawStrips(p, rows); err != nil {
				return nil, err
			}
		} else {
			lines := slices.DeleteFunc(p.lines(r), func(s series) bool { return len(s.points) == 0 })
			if len(lines) == 0 {
				f.Missing = p.parts
			} else if f.SVG, f.Legend, err = drawLines(p, lines); err != nil {
				return nil, err
			}
		}
		out = append(out, f)
	}
	if !slices.ContainsFunc(out, func(f figure) bool { return f.Missing == "" }) {
		return nil, nil
	}
	return out, nil
}

// rowWords names a row in a figure.
func rowWords(r *bench.Row) string {
	label, known := names[r.Name]
	if !known {
		label = words(r.Name)
	}
	for _, p := range r.Params {
		if text := paramWords(p); text != "" {
			if label != "" {
				label += ", "
			}
			label += text
		}
	}
	return label
}
