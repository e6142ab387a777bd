package bench

import (
	"fmt"

	"barreleye/urpc/limit"
)

// URPC measures messages between two cores: calls, round trips and streams,
// each in turns with its limit between the same cores; the same limits between
// two threads of the host; and wake-ups of a sleeping core.
func URPC(o Options) (*Report, error) {
	r := o.newReport()
	im, err := builtinImage("bench")
	if err != nil {
		return r, err
	}
	o.step("messages between cores")
	console, _, err := o.cores(im, nil, "-rounds", fmt.Sprint(o.rounds(101)), "urpc")
	if err != nil {
		return r, err
	}
	var samples map[string][]float64
	if err := coreZero(console, &samples); err != nil {
		return r, err
	}
	r.Rows = append(r.Rows,
		row("call", "ns", 1, samples["call"], samples["call_limit"]),
		row("ring", "ns", 1, samples["ring"], samples["ring_limit"]),
		row("stream", "ns/message", 1, samples["stream"], samples["stream_limit"]))
	if m := r.Rows[2].Median; m > 0 {
		r.Rows[2].Note = fmt.Sprintf("%.0f million messages of 64 bytes a second", 1e3/m)
	}
	o.step("messages between threads")
	threads, err := threadLimits(o.rounds(101))
	if err != nil {
		return r, err
	}
	for _, name := range []string{"call", "ring", "stream"} {
		unit := "ns"
		if name == "stream" {
			unit = "ns/message"
		}
		r.Rows = append(r.Rows, row(name+"_limit_cores", unit, 1, samples[name+"_limit"], nil),
			row(name+"_limit_threads", unit, 1, threads[name], nil))
	}
	wakes, err := wakeRows(o)
	r.Rows = append(r.Rows, wakes...)
	return r, err
}

// threadLimits runs the limits between two pinned threads of this process.
func threadLimits(rounds int) (map[string][]float64, error) {
	lines := make([]limit.Line, 64)
	ring := make([]limit.Line, 4096)
	const batch, stream = 2000, 400_000
	patterns := []struct {
		name       string
		n          uint64
		near, far  func(first, n uint64)
		everyRound int
	}{
		{"call", batch,
			func(f, n uint64) { limit.SameLineCall(&lines[0], f, n) },
			func(f, n uint64) { limit.SameLineServe(&lines[0], f, n) }, 1},
		{"ring", batch,
			func(f, n uint64) { limit.TwoLineCall(&lines[8], &lines[16], f, n) },
			func(f, n uint64) { limit.TwoLineServe(&lines[16], &lines[8], f, n) }, 1},
		{"stream", stream,
			func(f, n uint64) { limit.StreamRead(&ring[0], uint64(len(ring)), &lines[24].Words[0], f, n) },
			func(f, n uint64) { limit.StreamWrite(&ring[0], uint64(len(ring)), &lines[24].Words[0], f, n) }, 4},
	}
	out := map[string][]float64{}
	for _, p := range patterns {
		var times []float64
		err := onTwoCPUs(rounds/p.everyRound+1, p.n, p.near, p.far, &times)
		if err != nil {
			return nil, err
		}
		out[p.name] = times
	}
	return out, nil
}
