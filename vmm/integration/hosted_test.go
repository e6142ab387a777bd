package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"

	"golang.org/x/sys/unix"
)

// TestKilledProcessIsACrash: a core whose process somebody kills is reported as
// one that crashed, its peers get an error on their channels, and go on.
func TestKilledProcessIsACrash(t *testing.T) {
	if !onHosted() {
		t.Skip("of the hosted platform only: nobody can kill a virtual machine alone")
	}
	const victim = 1
	opt := options(t, load(t, "probe", image.LoadOptions{}), 3, "abandoned")
	killed := make(chan error, 1)
	opt.Console = newWatcher([]string{victim: "waiting for the end"}, func() {
		killed <- killCore(opt.Image.Name, victim)
	})
	o := run(t, opt)
	if err := <-killed; err != nil {
		t.Fatal(err)
	}
	c := o.Cores[victim]
	if c.State != "crashed" || c.ExitCode != multikernel.CodeCrash || o.ExitCode != multikernel.CodeCrash {
		t.Errorf("core %d is %s, code %d, the run ended with %d; want crashed, %d", victim, c.State, c.ExitCode, o.ExitCode, multikernel.CodeCrash)
	}
	if want := "crashed: killed by SIGKILL, process "; !strings.Contains(c.Error, want) || !strings.Contains(o.console(), c.Error) {
		t.Errorf("error %q lacks %q, or the console lacks it", c.Error, want)
	}
	for _, i := range []int{0, 2} {
		if c := o.Cores[i]; c.State != "exited" || c.ExitCode != 0 {
			t.Errorf("core %d is %s, code %d", i, c.State, c.ExitCode)
		}
		o.wantLine(i, "core 1 is gone: urpc: closed")
	}
}

// killCore kills the process of this test's core i, which it finds by its parent
// and its name.
func killCore(program string, i int) error {
	names, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		// "PID (NAME) STATE PPID ..."
		head, tail, ok := strings.Cut(string(b), ") ")
		f := strings.Fields(tail)
		if !ok || len(f) < 2 || f[1] != strconv.Itoa(os.Getpid()) || !strings.HasSuffix(head, fmt.Sprintf("(%s/%d", program, i)) {
			continue
		}
		pid, err := strconv.Atoi(strings.Fields(head)[0])
		if err != nil {
			return err
		}
		return unix.Kill(pid, unix.SIGKILL)
	}
	return fmt.Errorf("no process of core %d among the children", i)
}
