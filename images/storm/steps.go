package main

import (
	"fmt"
	"math/rand/v2"

	"barreleye/guest/cpudriver"
)

// tickAfter is how long the timer runs, in counts of 16 ns: long enough for the loop
// that it is to interrupt to be entered, and far shorter than that takes, at some
// microseconds a step.
const tickAfter = 50_000

// stepThrough takes each way into the driver while TF is set, so that an interrupt
// comes once at each instruction of its critical text.
func stepThrough(r *result) error {
	if counts, _ := cpudriver.Noted(); counts == nil {
		return fmt.Errorf("nothing is noted: run with --debug interrupts")
	}
	rng := rand.New(rand.NewPCG(*seed, 0))
	for _, way := range []struct {
		name string
		do   func() error
	}{
		{"call", func() error { return checkCall(rng, flagTF) }},
		{"interrupt", func() error { cpudriver.ArmTimer(tickAfter); spinStepped(5000); return nil }},
		{"exception", func() error { return faults(rng) }},
		{"fault of the driver", func() error { return touches(rng) }},
	} {
		// More than once: the timer may come where it was not to.
		for range 3 {
			cpudriver.Step(true)
			err := way.do()
			cpudriver.Step(false)
			if err != nil {
				return fmt.Errorf("%s: %w", way.name, err)
			}
			r.Checks[way.name]++
		}
	}
	return nil
}
