package docs

import (
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"barreleye/vmm/kvm"

	"golang.org/x/sys/unix"
)

// skip lists the commands that a test cannot run, and why. A star stands for
// any end.
var skip = map[string]string{
	"make *":                          "builds or tests the whole tree, this test included",
	"go test -count=1 -v -run *":      "runs in the tree; scripts/test runs these lanes",
	"BARRELEYE_PLATFORM=hosted go *":  "runs in the tree; scripts/test runs this lane",
	"CGO_ENABLED=0 go test -c *":      "builds a lane's tests in the tree, as scripts/test does",
	"scripts/svm-lane *":              "boots an emulated machine, as scripts/test does",
	"bin/barreleye bench urpc":        "measures for half a minute; with --quick it is run",
	"barreleye bench urpc":            "measures for half a minute; with --quick it is run",
	"barreleye bench urpc -o json":    "measures for half a minute; with --quick it is run",
	"barreleye bench kv --platform *": "measures for minutes; vmm/bench tests it",
}

// skipped returns why a command is not run, "" where it is.
func skipped(line string) string {
	for pattern, why := range skip {
		if fits(pattern, line) {
			return why
		}
	}
	return needs(line)
}

// fits reports whether a line is what an entry of skip means.
func fits(pattern, line string) bool {
	if start, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(line, start)
	}
	line, _, _ = strings.Cut(line, "  #")
	return line == pattern
}

// TestSkip wants no entry in skip that no page needs any more.
func TestSkip(t *testing.T) {
	unused := maps.Clone(skip)
	for _, p := range readPages(t) {
		for _, b := range p.blocks() {
			for _, c := range b.commands() {
				maps.DeleteFunc(unused, func(pattern, _ string) bool { return fits(pattern, c.line) })
			}
		}
	}
	for pattern := range unused {
		t.Errorf("no page has a command %q: take it out of skip", pattern)
	}
}

// needs returns why a command cannot run on this machine, "" where it can.
func needs(line string) string {
	if strings.Contains(line, "--platform kvm") || strings.Contains(line, "barreleye debug --stdio") {
		sys, err := kvm.Open(kvm.DevicePath)
		if err != nil {
			return err.Error()
		}
		sys.Close()
	}
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return err.Error()
	}
	for _, cpu := range []int{0, 1} {
		if strings.Contains(line, "--pin 0,1") && !set.IsSet(cpu) {
			return fmt.Sprintf("this process may not use CPU %d", cpu)
		}
	}
	if slices.Contains(strings.Fields(line), "jq") {
		if _, err := exec.LookPath("jq"); err != nil {
			return err.Error()
		}
	}
	return ""
}
