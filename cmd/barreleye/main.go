// Command barreleye runs Go programs as the cores of a multikernel.
package main

import (
	"os"

	"barreleye/cmd/barreleye/internal/start"
	"barreleye/vmm/cli"
	"barreleye/vmm/kvm"
)

func main() {
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
	}, os.Args[1:]))
}
