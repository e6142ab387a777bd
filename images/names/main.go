// Names has cores find, call and wait for each other by name. "check" tries everything
// once; "stubs" has them call each other's typed services, "leases" has one of them end with
// all that a core can hold; "storm" has all cores take turns at a lock, prove that nobody else is inside, and
// publish, -n times each life, while a test kills and restarts some.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"barreleye/guest"
)

var (
	turns = flag.Int("n", 50, "turns of each life")
	stay  = flag.Bool("stay", false, "core 0 stays after its turns until it is asked to end")
	die   = flag.Int("die", 0, "cores 1 to this one end inside, half-way through their first life")
)

func main() {
	flag.Parse()
	do := map[string]func(context.Context) error{
		"check": check, "stubs": stubs, "leases": leases, "storm": storm,
	}[flag.Arg(0)]
	if do == nil {
		fmt.Fprintln(os.Stderr, "usage: names [flags] check|stubs|leases|storm")
		flag.PrintDefaults()
		os.Exit(64)
	}
	if err := do(context.Background()); err != nil {
		fmt.Fprintf(os.Stderr, "names: core %d: %v\n", guest.Core(), err)
		os.Exit(1)
	}
}
