// Domains shows what several domains on one core do: how it is divided among them,
// how they call each other, how one faults and the others go on, what the collector costs.
package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"barreleye/guest"
	"barreleye/guest/cpudriver"
)

// shows are what there is to show, by name.
var shows = map[string]func() error{
	"shares":   showShares,
	"priority": showPriority,
	"calls":    showCalls,
	"queue":    showQueue,
	"span":     showSpan,
	"respan":   showRespan,
	"upcalls":  showUpcalls,
	"many":     showMany,
	"collect":  showCollect,
	"preempt":  showPreempt,
}

func main() {
	flag.Parse()
	if err := run(flag.Args()); err != nil {
		fmt.Fprintf(os.Stderr, "domains: core %d: %v\n", guest.Core(), err)
		os.Exit(1)
	}
}

func run(names []string) error {
	if len(names) == 0 {
		names = []string{"shares", "priority", "upcalls", "calls", "queue", "preempt"}
		if guest.Cores() > 1 {
			names = append(names, "span")
		}
	}
	for _, name := range names {
		show := shows[name]
		if show == nil {
			return fmt.Errorf("nothing of the name %q: use %s", name, strings.Join(slices.Sorted(maps.Keys(shows)), ", "))
		}
		if guest.Core() != 0 && name != "span" && name != "respan" {
			continue // of one core
		}
		if err := show(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// inTurns reports whether the CPU driver divides the core, and not Linux.
func inTurns() bool { return cpudriver.InGuest() }
