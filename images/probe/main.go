// Probe does one small thing that a test asks for by name, and prints what it
// found for the test to check.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"barreleye/guest"
)

// task is one thing to ask for.
type task struct {
	name, what string
	do         func(context.Context) error
}

var (
	count  = flag.Int("n", 1000, "how many lines, sleeps or messages")
	length = flag.Duration("d", 50*time.Microsecond, "how long to sleep, or to go on")
)

var tasks = []task{
	{"lines", "print -n numbered lines, odd ones to stderr", lines},
	{"talk", "print -n lines of mixed lengths (package chatter) on stdout and stderr", talk},
	{"records", "log by log/slog and log, with levels, attributes and groups", records},
	{"partial", "print a line without its end, and exit", partial},
	{"long", "print one line of -n bytes", long},
	{"spin", "run a loop without calls for ever", spin},
	{"asleep", "sleep for a day", asleep},
	{"profiled", "wait in one goroutine, compute in another, and keep -n MiB", profiled},
	{"lopsided", "core 0 spins, the others sleep for a day", lopsided},
	{"ringing", "core 0 sleeps for a day, the others ring its doorbell for ever", ringing},
	{"abandoned", "core 1 waits for its end, the others for word of it", abandoned},
	{"fanout", "core 0 asks all others -n times by broadcast, unicast and multicast", fanOut},
	{"fanloss", "the same by the form that follows; core 1 crashes half-way", fanLoss},
	{"pages", "every two cores hand each other pages -n times, every three grant some", handPages},
	{"pageloss", "core 2 exits with pages that core 0 granted it", losePages},
	{"overwritten", "core 1 writes for ever to a page that it gave core 0, which watches it once core 1 is gone", overwritten},
	{"lent", "core 0 lends core 2 a page, which that uses by load, store, add, copy or short, or goes beyond", lentPages},
	{"maps", "map frames in the way that follows, and use them", mapFrames},
	{"opened", "core 0 opens -n channels to core 1, uses and closes them, three times", opened},
	{"openedloss", "core 0 waits on -n channels to core 1, which crashes", openedLoss},
	{"binding", "core 0 tries what opening channels to core 1 refuses, and rings of all lengths", binding},
	{"draining", "stream to core 0 until asked to end", draining},
	{"drain", "wait for SIGINT or SIGTERM and end with code 0", drain},
	{"stubborn", "ignore SIGINT and SIGTERM, and sleep for a day", stubborn},
	{"sleeps", "sleep -n times for -d and print how long it took", sleeps},
	{"parks", "the same, and be parked meanwhile", parks},
	{"clocks", "cores 0 and 1 exchange messages with the time they were sent at, for -d", clocks},
	{"identity", "print what is a life's own, and then who lives", identity},
	{"random", "print random bytes from every source", random},
	{"environment", "print arguments and environment", environment},
	{"unserved", "make system calls that are not served", unserved},
	{"refused", "try what reaches beyond the core", refused},
	{"signals", "interrupt blocking calls by signals", signals},
	{"tree", "list all files below the folder that follows", tree},
	{"files", "read files in all ways, and try to change them", files},
	{"mount", "read files that the program brings along", mount},
	{"stdin", "read standard input to its end", stdin},
	{"firstline", "core 0 reads one line of standard input", firstLine},
	{"notes", "note spans, marks and counts -n times, and collect garbage", notes},
	{"notecost", "note -n marks in a row, and print what one costs", noteCost},
	{"debugged", "count rounds until a debugger sets main.debugLeft", debugged},
	{"outlived", "core 0 sends the others -n messages, awaits an answer and ends, by an error in its first life; the others end after its second one", outlived},
	{"prompt", "say that input is awaited, and read it", prompt},
}

func main() {
	flag.Usage = usage
	flag.Parse()
	for _, t := range tasks {
		if t.name != flag.Arg(0) {
			continue
		}
		ctx := context.Background()
		err := guest.WaitPeers(ctx)
		if err == nil {
			err = t.do(ctx)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "probe: core %d: %s: %v\n", guest.Core(), t.name, err)
			os.Exit(1)
		}
		return
	}
	usage()
	os.Exit(64)
}

func usage() {
	fmt.Fprint(os.Stderr, "usage: probe [flags] TASK\n\ntasks:\n")
	for _, t := range tasks {
		fmt.Fprintf(os.Stderr, "  %-12s %s\n", t.name, t.what)
	}
	fmt.Fprint(os.Stderr, "\nflags:\n")
	flag.PrintDefaults()
}
