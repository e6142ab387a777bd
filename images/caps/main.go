// Caps has cores share memory by capabilities. "check" tries everything once; "storm" has all
// cores take, cut, send, revoke and drop at random until core 0 is asked to end, while a test
// kills and restarts some. At the end every core lets go of all it has, and core 0 takes the
// whole of the shared memory: so nothing was lost.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"barreleye/guest"
)

var (
	seed  = flag.Uint64("seed", 1, "of what is done; core and life are added")
	turns = flag.Int("n", 0, "end the storm after that many turns of core 0")
)

func main() {
	flag.Parse()
	do := map[string]func(context.Context) error{"check": check, "storm": storm}[flag.Arg(0)]
	if do == nil {
		fmt.Fprintln(os.Stderr, "usage: caps [flags] check|storm")
		flag.PrintDefaults()
		os.Exit(64)
	}
	if err := do(context.Background()); err != nil {
		fmt.Fprintf(os.Stderr, "caps: FAILED: core %d life %d: %v\n", guest.Core(), guest.Life(), err)
		os.Exit(1)
	}
}
