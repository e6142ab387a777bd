// Hostile has one core do everything that a core must not do, as a seed says, while the
// others exchange messages with each other, and listen to it. They print how that went.
// The hostile core ends by what it does, or when it has done -steps things.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"barreleye/guest"
)

var (
	culprit  = flag.Int("core", 1, "the core that is hostile")
	seed     = flag.Uint64("seed", 1, "what it does")
	steps    = flag.Int("steps", 20000, "how many things it does at most")
	only     = flag.String("only", "", "the one kind of thing that it does")
	messages = flag.Int("n", 20000, "round trips of every two others")
)

func main() {
	flag.Usage = usage
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "hostile: core %d: %v\n", guest.Core(), err)
		os.Exit(1)
	}
}

func usage() {
	fmt.Fprintf(os.Stderr, "usage: hostile [flags], on 3 cores or more\n")
	flag.PrintDefaults()
	for _, a := range attacks {
		fmt.Fprintf(os.Stderr, "  -only %-10s %s\n", a.name, a.what)
	}
}

func run() error {
	if guest.Cores() < 3 || *culprit < 0 || *culprit >= guest.Cores() {
		return fmt.Errorf("%d cores, -core %d: give 3 cores at least (--cores 3), one of which is hostile", guest.Cores(), *culprit)
	}
	if err := guest.WaitPeers(context.Background()); err != nil {
		return err
	}
	if guest.Core() == *culprit {
		return attack()
	}
	return talk()
}
