// Storm has interrupts come at all instructions, those of the CPU driver most of
// all, and checks that nobody notices. All cores ring each other at random times
// (and tick, as the command says), while each runs system calls, faults, signals,
// hand-overs between threads and the garbage collector, and checks all registers of
// the CPU again and again. With --debug interrupts it prints where in the driver's
// critical text interrupts came, for a test to judge; the task "steps" then steps
// through that text, an interrupt at each instruction.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"barreleye/guest"
	"barreleye/guest/cpudriver"
)

var (
	length = flag.Duration("for", 5*time.Second, "how long")
	seed   = flag.Uint64("seed", 1, "seed of everything random")
	steps  = flag.Bool("steps", false, "step through the driver instead; needs --debug interrupts and --tick 0")
)

// sparse is zeroed data with pointers, and so large that the driver's own data,
// which the linker puts behind it, is not among the first of the image's.
var sparse [8 << 20]*int

// result is what a core prints.
type result struct {
	Seed    uint64            `json:"seed"`
	Checks  map[string]uint64 `json:"checks"`            // done, by name
	Noted   map[int]uint32    `json:"noted,omitempty"`   // interrupts by offset in the critical text
	Stepped uint64            `json:"stepped,omitempty"` // instructions
}

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "storm: core %d, seed %d: %v\n", guest.Core(), *seed, err)
		os.Exit(1)
	}
}

func run() error {
	if err := guest.WaitPeers(context.Background()); err != nil {
		return err
	}
	r := result{Seed: *seed, Checks: map[string]uint64{}}
	if *steps {
		if err := stepThrough(&r); err != nil {
			return err
		}
	} else if err := weather(&r); err != nil {
		return err
	}
	counts, stepped := cpudriver.Noted()
	r.Stepped = stepped
	if counts != nil {
		r.Noted = map[int]uint32{}
	}
	for at := range counts {
		if n := atomic.LoadUint32(&counts[at]); n != 0 {
			r.Noted[at] = n
		}
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}
