// Bench is the guests' half of "barreleye bench": it measures messages between
// cores beside what the cache allows, round by round in turn, or runs the compute
// kernel, or prints lines. It prints one line of JSON that the command reads.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"

	"barreleye/guest"
	"barreleye/images/bench/lines"
	"barreleye/images/bench/measure"
	"barreleye/images/bench/paths"
)

var rounds = flag.Int("rounds", 51, "rounds of each measurement")

// Result is samples in ns, by measurement.
type Result map[string][]float64

// Measured is what core 0 prints of messages.
type Measured struct {
	Series []*measure.Series `json:"series"`
}

func main() {
	flag.Parse()
	if err := run(flag.Arg(0)); err != nil {
		fmt.Fprintf(os.Stderr, "bench: core %d: %v\n", guest.Core(), err)
		os.Exit(1)
	}
}

func run(what string) error {
	var r any
	var m Measured
	var err error
	switch what {
	case "compute":
		r = compute()
	case "driver":
		r, err = driverPaths()
	case "syscall":
		r = Result{"syscall": paths.Syscalls(*rounds, 200)}
	case "maps":
		r, err = mapFrames()
	case "interrupts":
		m.Series, err = interrupts()
		r = m
	case "log":
		if guest.Core() == 0 {
			r, err = lines.Measure(*rounds, os.Stdout, slog.Default())
		}
	case "shared":
		m.Series, err = shared()
		r = m
	case "fanout":
		m.Series, err = fanOut()
		r = m
	case "monitor":
		m.Series, err = monitors()
		r = m
	case "lrpc":
		m.Series, err = lrpc()
		r = m
	case "local":
		var s *measure.Series
		s, err = measure.Local(*rounds, guest.TSC, guest.Nanoseconds)
		r = Measured{[]*measure.Series{s}}
	default:
		part := pairs[what]
		if part == nil {
			return fmt.Errorf("unknown benchmark %q: use compute, driver, syscall, maps, interrupts, log, shared, fanout, monitor, lrpc, local, or %s", what, strings.Join(slices.Sorted(maps.Keys(pairs)), ", "))
		}
		m.Series, err = between(part)
		r = m
	}
	if err != nil || guest.Core() != 0 {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}
