package main

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// refused prints of calls that reach beyond the core whether they are refused.
func refused(context.Context) error {
	for _, c := range []struct {
		name string
		try  func() error
	}{
		{"start a process", func() error {
			p, err := os.StartProcess("/proc/self/exe", nil, &os.ProcAttr{})
			if os.IsNotExist(err) { // it sees no such file
				p, err = os.StartProcess("/", nil, &os.ProcAttr{})
			}
			if err == nil {
				_, err = p.Wait()
			}
			return err
		}},
		{"run a program", func() error { return unix.Exec("/no/such/program", nil, nil) }},
		{"open a socket", func() error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
			if err == nil {
				unix.Close(fd)
			}
			return err
		}},
		{"signal a process", func() error { return unix.Kill(2, 0) }},
		{"trace a process", func() error { return unix.PtraceSeize(os.Getppid()) }},
		{"mount", func() error { return unix.Mount("none", "/", "tmpfs", 0, "") }},
		{"change the root", func() error { return unix.Chroot("/") }},
		{"load a module", func() error { return unix.InitModule([]byte{0}, "") }},
		{"look at all memory", func() error {
			fd, err := unix.Open("/dev/mem", unix.O_RDONLY, 0)
			if err == nil {
				unix.Close(fd)
			}
			return err
		}},
	} {
		err := c.try()
		fmt.Printf("refused %s: %v (%v)\n", c.name, err != nil && err != unix.ENOENT || err == unix.ENOENT && c.name == "look at all memory", err)
	}
	return nil
}
