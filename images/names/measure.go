package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"barreleye/guest"
	"barreleye/urpc"
)

// measured is what core 0 prints as JSON: ns of each operation.
type measured struct {
	Lookup    []float64 `json:"lookup_ns"`
	Publish   []float64 `json:"publish_ns"`   // one phase, all cores
	Lock      []float64 `json:"lock_ns"`      // two phases, all cores
	Pipelined []float64 `json:"pipelined_ns"` // per lock, 16 at a time
	Bind      []float64 `json:"bind_ns"`
	Round     []float64 `json:"round_ns"` // a message to core 1 and back
}

// lookups is how many look-ups a sample is the mean of.
const lookups = 1000

// measure times operations of core 0 while the others have nothing to do.
func measure(ctx context.Context) error {
	if err := guest.WaitPeers(ctx); err != nil {
		return err
	}
	over, err := guest.NewBarrier("measured", guest.Members())
	if err != nil {
		return err
	}
	if guest.Core() == 1 {
		offer, err := guest.Export(ctx, service(1))
		if err != nil {
			return err
		}
		go echo(ctx, offer)
	}
	if guest.Core() == 0 {
		var m measured
		if err := m.take(ctx); err != nil {
			return err
		}
		line, err := json.Marshal(&m)
		if err != nil {
			return err
		}
		fmt.Printf("%s\n", line)
	}
	return over.Wait(ctx)
}

// timed has do done as often as asked for, and returns how long each took.
func timed(do func(i int) error) ([]float64, error) {
	samples := make([]float64, 0, *turns)
	for i := range *turns {
		began := time.Now()
		if err := do(i); err != nil {
			return nil, err
		}
		samples = append(samples, float64(time.Since(began).Nanoseconds()))
	}
	return samples, nil
}

func (m *measured) take(ctx context.Context) (err error) {
	if _, err := guest.WaitService(ctx, service(1)); err != nil {
		return err
	}
	if m.Lookup, err = timed(func(int) error {
		for range lookups {
			if _, _, err := guest.Lookup(ctx, service(1)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	for i := range m.Lookup {
		m.Lookup[i] /= lookups
	}
	if m.Publish, err = timed(func(i int) error { return guest.Publish(ctx, "topic", "text") }); err != nil {
		return err
	}
	// taking it and giving it back are two operations alike
	if m.Lock, err = timed(func(i int) error {
		if i%2 == 0 {
			return guest.Lock(ctx, "lock")
		}
		return guest.Unlock(ctx, "lock")
	}); err != nil {
		return err
	}
	if m.Pipelined, err = timed(func(i int) error { return many(ctx, i%2 == 0) }); err != nil {
		return err
	}
	for i := range m.Pipelined {
		m.Pipelined[i] /= inFlight
	}
	if m.Bind, err = timed(func(int) error {
		c, err := guest.Bind(ctx, service(1), guest.ChannelOptions{})
		if err == nil {
			c.Close()
		}
		return err
	}); err != nil {
		return err
	}
	c, err := guest.Bind(ctx, service(1), guest.ChannelOptions{})
	if err != nil {
		return err
	}
	defer c.Close()
	msg := urpc.Message{Type: 1, Len: 8}
	m.Round, err = timed(func(int) error {
		if err := c.Send(ctx, &msg); err != nil {
			return err
		}
		return c.Recv(ctx, &msg)
	})
	return err
}

// inFlight is how many locks are taken at once.
const inFlight = 16

// many takes that many locks, or gives them back.
func many(ctx context.Context, take bool) error {
	var all sync.WaitGroup
	errs := make(chan error, inFlight)
	for i := range inFlight {
		all.Go(func() {
			name := fmt.Sprint("lock ", i)
			if take {
				errs <- guest.Lock(ctx, name)
			} else {
				errs <- guest.Unlock(ctx, name)
			}
		})
	}
	all.Wait()
	for range inFlight {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}
