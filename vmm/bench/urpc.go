package bench

import (
	"fmt"

	"barreleye/urpc/limit"
)

// batchOf is how many messages a sample of the guests' or the threads' is the
// mean of.
const (
	batchOf  = 2000
	streamOf = 400_000
)

// baseRows measures calls, round trips and streams, each in turns with its limit
// between the same cores; and the same limits between two threads of the host.
func baseRows(o Options) ([]Row, error) {
	im, err := builtinImage("bench")
	if err != nil {
		return nil, err
	}
	o.step("messages between cores")
	console, _, err := o.cores(im, nil, "-rounds", fmt.Sprint(o.rounds(101)), "urpc")
	if err != nil {
		return nil, err
	}
	var samples map[string][]float64
	if err := coreZero(console, &samples); err != nil {
		return nil, err
	}
	rows := []Row{
		row("call", "ns", 1, samples["call"], samples["call_limit"]).per(batchOf).of("same_line"),
		row("ring", "ns", 1, samples["ring"], samples["ring_limit"]).per(batchOf).of("two_line"),
		row("stream", "ns/message", 1, samples["stream"], samples["stream_limit"]).per(streamOf).of("stream_mov"),
	}
	if m := rows[2].Median; m > 0 {
		rows[2].Note = fmt.Sprintf("%.0f million messages of 64 bytes a second", 1e3/m)
	}
	o.step("messages between threads")
	threads, err := threadLimits(o.rounds(101))
	if err != nil {
		return rows, err
	}
	for _, like := range rows[:3] {
		rows = append(rows, row(like.Name+"_limit_cores", like.Unit, 1, samples[like.Name+"_limit"], nil).per(like.PerSample).kind(Limit),
			row(like.Name+"_limit_threads", like.Unit, 1, threads[like.Name], nil).per(like.PerSample).kind(Limit))
	}
	return rows, nil
}

// threadLimits runs the limits between two pinned threads of this process.
func threadLimits(rounds int) (map[string][]float64, error) {
	lines := make([]limit.Line, 64)
	ring := make([]limit.Line, 4096)
	patterns := []struct {
		name       string
		n          uint64
		near, far  func(first, n uint64)
		everyRound int
	}{
		{"call", batchOf,
			func(f, n uint64) { limit.SameLineCall(&lines[0], f, n) },
			func(f, n uint64) { limit.SameLineServe(&lines[0], f, n) }, 1},
		{"ring", batchOf,
			func(f, n uint64) { limit.TwoLineCall(&lines[8], &lines[16], f, n) },
			func(f, n uint64) { limit.TwoLineServe(&lines[16], &lines[8], f, n) }, 1},
		{"stream", streamOf,
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
