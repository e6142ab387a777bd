package page

import (
	"cmp"
	"slices"

	"barreleye/vmm/bench"
)

// point is a place in a plot.
type point struct{ x, y float64 }

// series is one line of a plot.
type series struct {
	name   string
	kind   string // bench.Ours, Limit or Peer: limits are dashed, peers thin
	like   string // name of the series whose colour it shares, "": it has its own
	points []point
}

// along collects the rows of a name that have the parameter x, a series for each
// combination of the others; y turns a row into a value. Where it is asked for,
// the rows' limits are a series of their own.
func along(r *bench.Report, name, x string, y func(row *bench.Row, x float64) float64, limits bool) (out []series) {
	at := map[string]int{}
	add := func(name, kind, like string, x, y float64) {
		i, ok := at[name]
		if !ok {
			i, at[name] = len(out), len(out)
			out = append(out, series{name: name, kind: kind, like: like})
		}
		out[i].points = append(out[i].points, point{x, y})
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Name != name || row.Percentiles.N == 0 || row.Params.Get("where") == "threads" { // host threads would double the lines
			continue
		}
		var others string
		v, ok := 0.0, false
		for _, p := range row.Params {
			if p.Key == x {
				v, ok = p.Number()
			} else if text := paramWords(p); text != "" {
				others += " " + text
			}
		}
		if !ok || v <= 0 {
			continue
		}
		label := cmp.Or(names[name], words(name)) + others
		if row.Kind == bench.Peer {
			label = others[min(1, len(others)):]
		}
		add(label, row.Kind, "", v, y(row, v))
		if limits && row.Limit > 0 {
			bound := *row
			bound.Median = row.Limit
			add(label+", limit", bench.Limit, label, v, y(&bound, v))
		}
	}
	for _, s := range out {
		slices.SortFunc(s.points, func(a, b point) int { return cmp.Compare(a.x, b.x) })
	}
	return out
}

// names of rows where words do not do.
var names = map[string]string{
	"ring_size": "stream", "payload_stream": "stream", "payload": "handed over", "ring_inflight": "messages", "rpc_inflight": "rpc calls",
	"shared_ring": "round trip", "shared_stream": "stream", "fanout": "", "idle_channels": "", "peer_roundtrip": "", "peer_stream": "", "peer_payload": "",
}

// paramWords shows a parameter in a legend.
func paramWords(p bench.Param) string {
	switch p {
	case bench.Param{Key: "pinned", Value: "yes"}, bench.Param{Key: "where", Value: "cores"}:
		return ""
	case bench.Param{Key: "pinned", Value: "no"}:
		return "unpinned"
	case bench.Param{Key: "ring", Value: "0"}:
		return "unbuffered"
	}
	switch p.Key {
	case "ring":
		return "buffer " + p.Value
	case "batch":
		return "by " + p.Value
	case "peer", "path", "profile", "where", "form":
		return words(p.Value)
	}
	return p.Key + " " + p.Value
}

// Values of rows.
func median(r *bench.Row, _ float64) float64 { return nanoseconds(r, r.Median) }

// rate is millions of messages a second.
func rate(r *bench.Row, _ float64) float64 { return 1e3 / nanoseconds(r, r.Median) }

// throughput is MB/s of payloads of size bytes.
func throughput(r *bench.Row, size float64) float64 { return size * 1e3 / nanoseconds(r, r.Median) }

// nanoseconds converts from the row's unit.
func nanoseconds(r *bench.Row, v float64) float64 {
	switch r.Unit {
	case "us":
		return v * 1e3
	case "ms":
		return v * 1e6
	}
	return v
}

// most is the share of samples that distributions show: the slowest few would
// leave no room for the others.
const most = 0.995

// cumulate returns how many percent of a row's samples are at most so long in ns.
func cumulate(r *bench.Row) (out []point) {
	n := 0
	for _, b := range r.Histogram {
		if float64(n) > most*float64(r.Percentiles.N) {
			break
		}
		if b.From <= 0 {
			n += b.Count
			continue
		}
		if len(out) == 0 {
			out = append(out, point{nanoseconds(r, b.From), 100 * float64(n) / float64(r.Percentiles.N)})
		}
		if last := out[len(out)-1]; last.x < nanoseconds(r, b.From) {
			out = append(out, point{nanoseconds(r, b.From), last.y})
		}
		n += b.Count
		out = append(out, point{nanoseconds(r, b.To), 100 * float64(n) / float64(r.Percentiles.N)})
	}
	return out
}

// counted returns the outline of a row's histogram, in percent of its samples.
func counted(r *bench.Row) (out []point) {
	seen := 0
	for _, b := range r.Histogram {
		if float64(seen) > most*float64(r.Percentiles.N) {
			break
		}
		seen += b.Count
		if b.From <= 0 {
			continue
		}
		from, to, y := nanoseconds(r, b.From), nanoseconds(r, b.To), 100*float64(b.Count)/float64(r.Percentiles.N)
		if n := len(out); n == 0 || out[n-1].x < from*0.999 {
			if n > 0 {
				out = append(out, point{out[n-1].x, 0})
			}
			out = append(out, point{from, 0})
		}
		out = append(out, point{from, y}, point{to, y})
	}
	if n := len(out); n > 0 {
		out = append(out, point{out[n-1].x, 0})
	}
	return out
}
