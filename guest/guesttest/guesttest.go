// Package guesttest lets tests run programs on cores, by the barreleye
// command. It is for tests that run on Linux (go test), where a program that
// imports barreleye/guest is alone.
package guesttest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"barreleye/guest"
)

// Exit codes of the command that say that cores cannot run on this machine:
// there is no KVM, it is forbidden, or it lacks something (docs/reference/errors.md).
const (
	firstWithoutKVM = 66
	lastWithoutKVM  = 68
)

// Run runs `barreleye run` with args, "--cores", "2", "." for instance, and
// returns what the programs printed: lines with a prefix that names the core.
//
// The test fails if the exit code is not 0, and is skipped where args ask for
// the platform kvm and the machine has none, and on a core, which cannot start
// others. The command is the one that BARRELEYE names, that belongs to the
// sources of this package, that PATH finds, or that is built from the sources,
// in this order.
func Run(t testing.TB, args ...string) string {
	t.Helper()
	if guest.Running() {
		t.Skip("guesttest: this test runs on a core, and a core starts no others: run it on Linux")
	}
	command, err := find(sources(), os.Getenv, exec.LookPath, build(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if d, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if end, ok := d.Deadline(); ok {
			// The cores must not outlive the test.
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, end.Add(-time.Until(end)/20))
			defer cancel()
		}
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, command, append([]string{"run", "--dir", t.TempDir()}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 5 * time.Second
	err = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code >= firstWithoutKVM && code <= lastWithoutKVM {
		t.Skipf("guesttest: cores cannot run here: %s", strings.TrimSpace(errs.String()))
	}
	if err != nil {
		t.Fatalf("barreleye run %s: %v\n%s%s", strings.Join(args, " "), err, &out, &errs)
	}
	return out.String()
}
