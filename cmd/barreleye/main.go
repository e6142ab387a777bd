// Command barreleye runs Go programs as the cores of a multikernel.
package main

import (
	"os"
	"runtime/debug"

	"barreleye/cmd/barreleye/internal/start"
	"barreleye/vmm/cli"
	"barreleye/vmm/kvm"
	"barreleye/vmm/sandbox"
)

// firstCollection is the GOGC at which that comes with a heap of 16 MiB
// instead of 4, because collecting while an image is loaded cost a start 3 ms.
const firstCollection = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(firstCollection)
	}
	executable, err := os.Executable()
	if err != nil {
		executable = os.Args[0]
	}
	os.Exit(cli.Main(cli.Host{
		Started:    start.Time,
		Executable: executable,
		Device:     kvm.DevicePath,
		Stdin:      os.Stdin,
		Stdout:     os.Stdout,
		Stderr:     os.Stderr,
		Getenv:     os.Getenv,
		Confine:    sandbox.Enter,
	}, os.Args[1:]))
}
