// Bench is the guests' half of "barreleye bench": it measures URPC between
// cores 0 and 1 beside what the cache allows, round by round in turn, or runs
// the compute kernel, or prints lines. It prints one line of JSON that the
// command reads.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"

	"barreleye/guest"
	"barreleye/images/bench/lines"
)

var (
	rounds = flag.Int("rounds", 51, "rounds of each measurement")
	batch  = flag.Int("batch", 2000, "messages per round of a latency")
	stream = flag.Int("stream", 400_000, "messages per round of a stream")
)

// Result is what core 0 prints: samples in ns per message, by measurement.
type Result map[string][]float64

func main() {
	flag.Parse()
	if err := run(flag.Arg(0)); err != nil {
		fmt.Fprintf(os.Stderr, "bench: core %d: %v\n", guest.Core(), err)
		os.Exit(1)
	}
}

func run(what string) error {
	var r Result
	var err error
	switch what {
	case "compute":
		r = compute()
	case "log":
		if guest.Core() == 0 {
			r, err = lines.Measure(*rounds, os.Stdout, slog.Default())
		}
	case "urpc":
		r, err = messages()
	default:
		err = fmt.Errorf("unknown benchmark %q: use urpc, compute or log", what)
	}
	if err != nil || guest.Core() != 0 {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}
