package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"barreleye/guest/dispatcher"
)

// showUpcalls has one dispatcher upcalled for each of its reasons: to run what was posted,
// for a message, for a fault, and for timers, of which one is stopped. All of them find
// what the last one left: one runs at a time.
func showUpcalls() error {
	var seen []string
	done := make(chan []string, 1)
	note := func(what string) {
		if seen = append(seen, what); len(seen) == 5 {
			done <- seen
		}
	}
	dispatcher.Define("upcalled", func(d *dispatcher.Dispatcher) error {
		d.Handle("note", func(m dispatcher.Message) dispatcher.Message {
			note("message")
			return m
		})
		d.OnFault(func(f *dispatcher.Fault) bool {
			note("fault")
			return errors.Is(f, dispatcher.ErrFault)
		})
		return nil
	})
	m, err := dispatcher.Start("upcalled", dispatcher.Options{})
	if err != nil {
		return err
	}
	e, err := m.Entry("note")
	if err != nil {
		return err
	}
	d := m.Dispatcher()
	ran := make(chan bool)
	d.Post(func() {
		note("run")
		d.After(time.Microsecond, func() { note("timer, stopped") }).Stop()
		ran <- true
	})
	<-ran
	if _, err := e.HandOver(dispatcher.Message{}); err != nil {
		return err
	}
	d.Post(func() {
		d.After(time.Millisecond, func() {
			note("timer")
			d.After(time.Millisecond, func() {
				var nowhere *int
				*nowhere = 1
			})
			d.After(2*time.Millisecond, func() { note("timer after the fault") }) // in this order: time may pass in between
		})
	})
	got := strings.Join(<-done, ", ")
	if want := "run, message, timer, fault, timer after the fault"; got != want {
		fmt.Fprintf(os.Stderr, "upcalls: %s\n", got)
		return fmt.Errorf("upcalls came in the order %s, want %s", got, want)
	}
	fmt.Printf("upcalls: %s\n", got)
	return stop([]*dispatcher.Domain{m})
}
