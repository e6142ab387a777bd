// Memory checks the memory calls a core's CPU driver serves: mmap, munmap,
// mprotect and madvise do what Linux does, however they are mixed. A model
// keeps what every page must hold; each check reads pages back, those without
// access included, where a read has to fail.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"barreleye/guest"
)

// check is one behaviour.
type check struct {
	name string
	do   func(*options) error
}

type options struct {
	steps int
	seed  uint64
	churn uint64 // bytes
	hold  uint64 // bytes
}

var checks = []check{
	{"fresh memory is zero", freshIsZero},
	{"munmap gives memory back", unmapGivesBack},
	{"DONTNEED zeroes", dontNeedZeroes},
	{"MAP_FIXED over memory reads zero", fixedReplaces},
	{"PROT_NONE faults and keeps contents", noneFaults},
	{"mprotect there and back", protectRoundTrip},
	{"read-only memory faults on writes", readOnlyFaults},
	{"sparse memory is backed on first touch", sparseOnTouch},
	{"the driver touches sparse memory", driverTouchesSparse},
	{"parts of huge mappings", hugeParts},
	{"random steps against a model", randomSteps},
	{"much memory at once", holdMuch},
	{"a large heap, and a small one again", holdInHeap},
	{"more memory in advance", growAndShrink},
	{"pieces of shared memory", poolPieces},
}

func main() {
	var o options
	flag.IntVar(&o.steps, "n", 3000, "random steps")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the random steps")
	churn := flag.Uint64("churn", 512, "MiB to map and unmap in all; take more than the core's memory")
	hold := flag.Uint64("hold", 16, "MiB to have mapped at once")
	flag.Parse()
	o.churn, o.hold = *churn<<20, *hold<<20
	go receive()
	for _, c := range checks {
		start := time.Now()
		if err := c.do(&o); err != nil {
			fmt.Fprintf(os.Stderr, "memory: core %d: FAILED: %s: %v\n", guest.Core(), c.name, err)
			os.Exit(1)
		}
		fmt.Printf("ok: %s (%v)\n", c.name, time.Since(start).Round(time.Microsecond))
	}
	fmt.Printf("memory: ok: %d checks, seed %d\n", len(checks), o.seed)
}
