// Command manpages writes the man pages of barreleye, one per command, to a
// folder:
//
//	go run ./cmd/manpages DIR
//
// They are made from the same texts as --help. It is a program of its own
// because its formatter has no business in the tool. SOURCE_DATE_EPOCH gives
// the pages' date, so that one commit always makes the same pages.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"barreleye/vmm/cli"

	"github.com/spf13/cobra/doc"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "manpages: no folder given: go run ./cmd/manpages DIR")
		os.Exit(2)
	}
	if err := generate(os.Args[1], os.Getenv("SOURCE_DATE_EPOCH")); err != nil {
		fmt.Fprintf(os.Stderr, "manpages: %v\n", err)
		os.Exit(1)
	}
}

// generate writes the pages to dir, dated epoch (seconds, as text).
func generate(dir, epoch string) error {
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH=%q: %w: set it to the commit's time in seconds (git log -1 --format=%%ct)", epoch, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("folder for the pages: %w: give one that can be written", err)
	}
	date := time.Unix(seconds, 0).UTC()
	root := cli.Command(&cli.Host{})
	root.InitDefaultCompletionCmd() // cobra adds it only when it runs
	return doc.GenManTree(root, &doc.GenManHeader{
		Section: "1", Date: &date, Source: "Barreleye", Manual: "Barreleye",
	}, dir)
}
