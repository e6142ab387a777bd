package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"

	"barreleye/guest"
	"barreleye/guest/cpudriver"
)

// attacks are the kinds of things that the hostile core does. Of one in weight there is
// one for each of the others' weights; those that are likely to end the core are rare.
var attacks = []struct {
	name, what string
	weight     int
	do         func(*rand.Rand) error
}{
	{"write", "a random word to memory of the region that it may write", 20000, scribble},
	{"send", "messages of random type and length, calls, pages", 4000, babble},
	{"bell", "a random value to a random doorbell", 1000, ring},
	{"call", "a system call with random arguments", 10, call},
	{"foreign", "a read or write of the region anywhere", 2, stray},
	{"device", "a read or write of guest-physical memory anywhere (virtual machines)", 2, reach},
	{"register", "random registers, then an instruction that is not for programs", 2, misuse},
	{"kernel", "at CPL0: port I/O, model-specific and control registers (virtual machines)", 2, rule},
	{"table", "a random change of a page table (virtual machines)", 1, remap},
}

// errProcess refuses what only a virtual machine has.
var errProcess = errors.New("only a virtual machine has that: run with --platform kvm")

// attack does what the seed says. A fault that Linux would tell the program of is one
// more thing that did not work.
func attack() error {
	debug.SetPanicOnFault(true)
	rng := rand.New(rand.NewPCG(*seed, uint64(guest.Core())))
	total, found := 0, *only == ""
	for _, a := range attacks {
		total += a.weight
		found = found || a.name == *only
	}
	if !found {
		return fmt.Errorf("-only %s: there is no such kind: hostile -h lists them", *only)
	}
	prepare()
	faults := 0
	for range *steps {
		n := rng.IntN(total)
		for _, a := range attacks {
			chosen := n >= 0 && n < a.weight
			n -= a.weight
			if *only != "" && a.name != *only || *only == "" && !chosen {
				continue
			}
			if err := try(rng, a.do); errors.Is(err, errProcess) && *only != "" {
				return err
			} else if err != nil {
				faults++
			}
			break
		}
	}
	fmt.Printf("hostile: seed %d: did %d things, %d of which were refused, and goes on\n", *seed, *steps, faults)
	return nil
}

// try does one thing; a panic is an error.
func try(rng *rand.Rand, do func(*rand.Rand) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return do(rng)
}

// value is a number that somebody may not have thought of.
func value(rng *rand.Rand) uint64 {
	switch rng.IntN(6) {
	case 0:
		return uint64(rng.IntN(4))
	case 1:
		return 1 << rng.IntN(64)
	case 2:
		return -uint64(rng.IntN(4097))
	case 3:
		return uint64(rng.Uint32())
	case 4:
		return uint64(rng.IntN(1 << 16))
	}
	return rng.Uint64()
}

// inGuest reports whether this core is a virtual machine.
func inGuest() bool { return cpudriver.InGuest() }
