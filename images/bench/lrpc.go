package main

import (
	"fmt"
	"runtime"

	"barreleye/guest"
	"barreleye/guest/dispatcher"
	"barreleye/images/bench/measure"
)

// lrpcEach is how many calls of a round are timed by themselves: one of lrpcOf.
const lrpcEach, lrpcOf = 20, 50

// lrpcBatch is how many calls a sample of a round trip is the mean of.
const lrpcBatch = 2000

// lrpc measures calls between domains of this core, both forms, by the method of the paper's
// Table 1 (the clock read by the caller before the call and by the handler first),
// and the round trip. Reading the clock twice with nothing between is the limit.
func lrpc() ([]*measure.Series, error) {
	dispatcher.Define("called", func(d *dispatcher.Dispatcher) error {
		d.HandleMigrating("clock", func(m dispatcher.Message) dispatcher.Message {
			return dispatcher.Message{W0: guest.TSC(), W1: m.W1 + 1}
		})
		d.HandleMigrating("next", func(m dispatcher.Message) dispatcher.Message {
			m.W1++
			return m
		})
		return nil
	})
	m, err := dispatcher.Start("called", dispatcher.Options{})
	if err != nil {
		return nil, err
	}
	defer m.Stop()
	clock, err := m.Entry("clock")
	if err != nil {
		return nil, err
	}
	next, err := m.Entry("next")
	if err != nil {
		return nil, err
	}
	var all []*measure.Series
	for _, form := range []struct {
		name        string
		clock, next func(dispatcher.Message) (dispatcher.Message, error)
	}{{"migrating", clock.Migrate, next.Migrate}, {"hand_over", clock.HandOver, next.HandOver}} {
		one := &measure.Series{Name: "lrpc_one_way", Params: [][2]string{{"form", form.name}}, Per: 1, LimitOf: "clock"}
		trip := &measure.Series{Name: "lrpc_round_trip", Params: [][2]string{{"form", form.name}}, Per: lrpcBatch}
		var before, after runtime.MemStats
		for round := range *rounds + 1 { // the first one warms up
			if round == 1 {
				one.Samples, one.Limit, trip.Samples = nil, nil, nil
				one.Samples = make([]float64, 0, *rounds*lrpcEach)
				one.Limit = make([]float64, 0, *rounds*lrpcEach)
				trip.Samples = make([]float64, 0, *rounds)
				runtime.ReadMemStats(&before)
			}
			for i := range uint64(lrpcEach * lrpcOf) {
				start := guest.TSC()
				a, err := form.clock(dispatcher.Message{W1: i})
				if err != nil || a.W1 != i+1 {
					return nil, fmt.Errorf("call %d of %s: answer %d, %w", i, form.name, a.W1, err)
				}
				if i%lrpcOf != 0 {
					continue
				}
				one.Samples = append(one.Samples, guest.Nanoseconds(a.W0-start))
				start = guest.TSC()
				one.Limit = append(one.Limit, guest.Nanoseconds(guest.TSC()-start))
			}
			var m dispatcher.Message
			start := guest.TSC()
			for range lrpcBatch {
				if m, err = form.next(m); err != nil {
					return nil, err
				}
			}
			trip.Samples = append(trip.Samples, guest.Nanoseconds(guest.TSC()-start)/lrpcBatch)
			if m.W1 != lrpcBatch {
				return nil, fmt.Errorf("%d answers of %s, want %d", m.W1, form.name, lrpcBatch)
			}
		}
		runtime.ReadMemStats(&after)
		one.Allocs = float64(after.Mallocs-before.Mallocs) / float64(*rounds*(lrpcEach*lrpcOf+lrpcBatch))
		one.Allocs = float64(int(one.Allocs*100)) / 100
		trip.Allocs = one.Allocs
		all = append(all, one, trip)
	}
	return all, nil
}
