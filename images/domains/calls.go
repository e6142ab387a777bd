package main

import (
	"context"
	"errors"
	"fmt"

	"barreleye/guest/dispatcher"
)

func showCalls() error {
	dispatcher.Define("adder", func(d *dispatcher.Dispatcher) error {
		d.HandleMigrating("add", func(m dispatcher.Message) dispatcher.Message {
			return dispatcher.Message{W0: m.W0 + m.W1 + m.W2 + m.W3}
		})
		d.Handle("divide", func(m dispatcher.Message) dispatcher.Message {
			return dispatcher.Message{W0: m.W0 / m.W1}
		})
		d.OnFault(func(f *dispatcher.Fault) bool {
			fmt.Printf("calls: fault: %v\n", f)
			return true
		})
		return nil
	})
	adder, err := dispatcher.Start("adder", dispatcher.Options{})
	if err != nil {
		return err
	}
	// nested: front calls adder for its caller
	var front *dispatcher.Domain
	dispatcher.Define("front", func(d *dispatcher.Dispatcher) error {
		add, err := adder.Entry("add")
		if err != nil {
			return err
		}
		d.Handle("twice", func(m dispatcher.Message) dispatcher.Message {
			a, err := add.HandOver(dispatcher.Message{W0: m.W0, W1: m.W0})
			if err != nil {
				panic(err)
			}
			return a
		})
		d.Handle("self", func(m dispatcher.Message) dispatcher.Message {
			e, _ := front.Entry("twice")
			_, err := e.HandOver(m)
			if errors.Is(err, dispatcher.ErrDeadlock) {
				return dispatcher.Message{W0: 1}
			}
			return dispatcher.Message{}
		})
		return nil
	})
	if front, err = dispatcher.Start("front", dispatcher.Options{}); err != nil {
		return err
	}
	for _, c := range []struct {
		domain *dispatcher.Domain
		entry  string
		m      dispatcher.Message
		want   uint64
		err    error
	}{
		{adder, "add", dispatcher.Message{W0: 1, W1: 2, W2: 3, W3: 4}, 10, nil},
		{front, "twice", dispatcher.Message{W0: 21}, 42, nil},
		{adder, "divide", dispatcher.Message{W0: 42, W1: 2}, 21, nil},
		{adder, "divide", dispatcher.Message{W0: 42}, 0, dispatcher.ErrFault},
		{adder, "divide", dispatcher.Message{W0: 42, W1: 3}, 14, nil},
		{front, "self", dispatcher.Message{}, 1, nil},
	} {
		e, err := c.domain.Entry(c.entry)
		if err != nil {
			return err
		}
		for range 1000 {
			got, err := e.HandOver(c.m)
			if !errors.Is(err, c.err) || got.W0 != c.want {
				return fmt.Errorf("%s of %d, %d: %d, %v, want %d, %v", c.entry, c.m.W0, c.m.W1, got.W0, err, c.want, c.err)
			}
			if c.err != nil {
				break
			}
		}
	}
	front.Stop()
	adder.Stop()
	if err := errors.Join(front.Wait(context.Background()), adder.Wait(context.Background())); err != nil {
		return err
	}
	fmt.Println("calls: all as they should be")
	return nil
}
