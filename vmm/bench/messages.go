package bench

import (
	"fmt"
	"strings"

	"barreleye/images/bench/measure"
	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
)

// seriesRow is the row of what a Side measured.
func seriesRow(s *measure.Series) Row {
	unit := "ns"
	if strings.Contains(s.Name, "stream") || s.Name == "ring_size" {
		unit = "ns/message"
	}
	r := row(s.Name, unit, 1, s.Samples, s.Limit).per(s.Per).of(s.LimitOf)
	r.Allocs = s.Allocs
	for _, p := range s.Params {
		r = r.with(p[0], p[1])
	}
	return r
}

func seriesRows(all []*measure.Series) (rows []Row) {
	for _, s := range all {
		rows = append(rows, seriesRow(s))
	}
	return rows
}

// guests measures a part of the image bench on some cores.
func (o Options) guests(part string, cores, rounds int) ([]*measure.Series, error) {
	im, err := builtinImage("bench")
	if err != nil {
		return nil, err
	}
	return o.series(im, func(opt *multikernel.Options) { opt.Cores = cores }, rounds, part)
}

// series runs a part of the image bench that prints what it measured.
func (o Options) series(im *image.Image, change func(*multikernel.Options), rounds int, part string) ([]*measure.Series, error) {
	console, _, err := o.cores(im, change, "-rounds", fmt.Sprint(rounds), part)
	if err != nil {
		return nil, err
	}
	var m struct {
		Series []*measure.Series `json:"series"`
	}
	if err := coreZero(console, &m); err != nil {
		return nil, err
	}
	return m.Series, nil
}

// baseRows measures calls, round trips and streams, each in turns with its limit
// between the same cores; and the same limits between two threads of the host.
func baseRows(o Options) ([]Row, error) {
	o.step("messages between cores")
	cores, err := o.guests("urpc", 2, o.rounds(101))
	if err != nil {
		return nil, err
	}
	rows := seriesRows(cores)
	for i := range rows {
		if m := rows[i].Median; rows[i].Name == "stream" && m > 0 {
			rows[i].Note = fmt.Sprintf("%.0f million messages of 64 bytes a second", 1e3/m)
		}
	}
	o.step("messages between threads")
	threads, err := onThreads(func(s *measure.Side) { s.Base(o.rounds(101), "") })
	if err != nil {
		return rows, err
	}
	for i, c := range cores {
		like := rows[i]
		rows = append(rows, row(c.Name+"_limit_cores", like.Unit, 1, c.Limit, nil).per(c.Per).kind(Limit),
			row(c.Name+"_limit_threads", like.Unit, 1, threads[i].Limit, nil).per(c.Per).kind(Limit))
	}
	return rows, nil
}

// threadRows measures between two threads of the host what baseRows and eachRows
// measure between cores.
func threadRows(o Options) ([]Row, error) {
	o.step("messages between threads")
	s, err := onThreads(func(s *measure.Side) {
		s.Base(o.rounds(101), "_threads")
		s.Bulk(o.rounds(51), "_threads")
		s.Each(o.rounds(100), "_threads")
	})
	return seriesRows(s), err
}

// partRows returns what measures a part of the image on two cores.
func partRows(part, what string, rounds int) func(Options) ([]Row, error) {
	return func(o Options) ([]Row, error) {
		o.step("%s", what)
		s, err := o.guests(part, 2, o.rounds(rounds))
		return seriesRows(s), err
	}
}

// bothRows returns what measures a part of the image on two cores, and then the
// same between two threads.
func bothRows(part, what string, rounds int, threads func(s *measure.Side, rounds int)) func(Options) ([]Row, error) {
	return func(o Options) ([]Row, error) {
		o.step("%s between cores", what)
		cores, err := o.guests(part, 2, o.rounds(rounds))
		if err != nil {
			return nil, err
		}
		o.step("%s between threads", what)
		more, err := onThreads(func(s *measure.Side) { threads(s, o.rounds(rounds)) })
		return seriesRows(append(cores, more...)), err
	}
}

// inFlightRows measures with 1 to 64 messages or calls under way.
func inFlightRows(o Options) ([]Row, error) {
	var rows []Row
	for _, part := range []string{"inflight", "calls"} {
		o.step("1 to 64 under way, %s", part)
		s, err := o.guests(part, 2, o.rounds(21))
		rows = append(rows, seriesRows(s)...)
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// idleChannelRows measures messages to who waits for many channels; the limit is
// the same without any other channel.
func idleChannelRows(o Options) ([]Row, error) {
	o.step("up to 1,000 idle channels")
	all, err := o.guests("idle", 2, o.rounds(200))
	if err != nil {
		return nil, err
	}
	alone := map[string][]float64{}
	for _, s := range all {
		gap := s.Params[1][1]
		if s.Params[0][1] == "0" {
			alone[gap] = s.Samples
		} else {
			s.Limit, s.LimitOf = alone[gap], "channels=0"
		}
	}
	return seriesRows(all), nil
}

// localRows measures calls that stay on their core.
func localRows(o Options) ([]Row, error) {
	o.step("calls on one core")
	s, err := o.guests("local", 1, o.rounds(51))
	return seriesRows(s), err
}

// lrpcRows measures calls between domains of one core.
func lrpcRows(o Options) ([]Row, error) {
	o.step("calls between domains of one core")
	s, err := o.guests("lrpc", 1, o.rounds(51))
	return seriesRows(s), err
}

// fanOutRows measures a message to all other cores and back. Where there are more
// cores than CPUs none of them polls.
func fanOutRows(o Options) ([]Row, error) {
	var rows []Row
	for _, cores := range []int{2, 4, 8} {
		o.step("from core 0 to %d cores", cores-1)
		s, err := o.guests("fanout", cores, o.rounds(31))
		rows = append(rows, seriesRows(s)...)
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}
