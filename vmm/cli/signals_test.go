package cli

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"barreleye/vmm/observe"
	"barreleye/vmm/runs"

	"golang.org/x/sys/unix"
)

// TestSignals stops cores that would run for ever, one of which is busy.
func TestSignals(t *testing.T) {
	binary, image, dir := command(t)
	for _, c := range []struct {
		platform, mode string
		sig            unix.Signal
	}{{"kvm", "sleep", unix.SIGINT}, {"kvm", "spin", unix.SIGTERM}, {"hosted", "sleep", unix.SIGTERM}, {"hosted", "spin", unix.SIGINT},
		{"kvm", "sleep", unix.SIGHUP}, {"hosted", "sleep", unix.SIGHUP}} {
		if !slices.Contains(platforms(), c.platform) {
			continue
		}
		t.Run(fmt.Sprintf("%s %s %v", c.platform, c.mode, c.sig), func(t *testing.T) {
			if c.sig == unix.SIGHUP && signal.Ignored(unix.SIGHUP) {
				t.Skip("SIGHUP is ignored here, so the command ignores it: run without nohup")
			}
			cmd := exec.Command(binary, "run", "--platform", c.platform, "--dir", dir, image, "--", c.mode)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			errs, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill()
			lines := bufio.NewScanner(out)
			for range 2 { // both cores are up
				lines.Scan()
			}
			cmd.Process.Signal(unix.SIGUSR1)
			table := readTable(errs)
			if want := []string{"running", "running"}; !slices.Equal(table, want) {
				t.Errorf("states of the cores in the table: %q, want %q", table, want)
			}
			cmd.Process.Signal(c.sig)
			for lines.Scan() {
			}
			cmd.Wait()
			if got, want := cmd.ProcessState.ExitCode(), 128+int(c.sig); got != want {
				t.Errorf("exit code %d, want %d", got, want)
			}
			if r, err := runs.Open(dir); err != nil || r.State() != runs.Ended || *r.ExitCode != 128+int(c.sig) {
				t.Errorf("%s: %+v, %v", runs.File, r, err)
			}
		})
	}
}

// TestStoppedTerminal stops a run whose output nobody reads.
func TestStoppedTerminal(t *testing.T) {
	binary, image, dir := command(t)
	cmd := exec.Command(binary, "run", "--dir", dir, image, "--", "chat")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	// much more than a pipe holds: the console is stuck, the cores are not
	console := filepath.Join(dir, observe.LogFile)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if st, err := os.Stat(console); err == nil && st.Size() > 1<<20 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the cores stopped with the console")
		}
	}
	cmd.Process.Signal(unix.SIGINT)
	if _, err := cmd.Process.Wait(); err != nil {
		t.Fatal(err)
	}
}

// readTable reads the table of two cores and returns their states, without
// their power states.
func readTable(r interface{ Read([]byte) (int, error) }) (states []string) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) > 3 && (f[0] == "0" || f[0] == "1") {
			state, _, _ := strings.Cut(f[2], "/")
			states = append(states, state)
			if f[0] == "1" {
				break
			}
		}
	}
	return states
}
