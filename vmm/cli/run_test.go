package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"barreleye/vmm/kvm"
	"barreleye/vmm/multikernel"
	"barreleye/vmm/runs"
)

// guestELF is the program in testdata/guest.
var guestELF = sync.OnceValues(func() ([]byte, error) {
	h := Host{Stderr: os.Stderr, Getenv: os.Getenv}
	return h.goBuild(findTarget(filepath.Join(packageDir, "testdata", "guest")))
})

func buildGuest(t *testing.T) []byte {
	t.Helper()
	elf, err := guestELF()
	if err != nil {
		t.Fatal(err)
	}
	return elf
}

// needKVM skips the test where cores cannot run.
func needKVM(t *testing.T) {
	t.Helper()
	sys, err := kvm.Open(kvm.DevicePath)
	if err != nil {
		t.Skipf("cores cannot run here: %v", err)
	}
	sys.Close()
}

// commandBinary is the real command, built once.
var commandBinary = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(binaryDir, "barreleye")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "barreleye/cmd/barreleye").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return binary, nil
})

// binaryDir is removed at the end.
var binaryDir string

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdVariable); dir != "" {
		holdRun(dir)
		os.Exit(1)
	}
	var err error
	if binaryDir, err = os.MkdirTemp("", "barreleye-cli-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(binaryDir)
	os.Exit(code)
}

// platforms lists what cores can be here.
func platforms() []string {
	list := []string{multikernel.PlatformHosted}
	if sys, err := kvm.Open(kvm.DevicePath); err == nil {
		sys.Close()
		list = append(list, multikernel.PlatformKVM)
	}
	return list
}

// command is the real binary, and the guest as a file.
func command(t *testing.T) (binary, image, dir string) {
	t.Helper()
	dir = t.TempDir()
	binary, err := commandBinary()
	if err != nil {
		t.Fatal(err)
	}
	image = filepath.Join(dir, "guest")
	if err := os.WriteFile(image, buildGuest(t), 0o755); err != nil {
		t.Fatal(err)
	}
	return binary, image, filepath.Join(dir, "run")
}

// TestRun runs the real binary to its end, on each platform there is.
func TestRun(t *testing.T) {
	for _, platform := range platforms() {
		t.Run(platform, func(t *testing.T) { testRun(t, platform) })
	}
}

func testRun(t *testing.T, platform string) {
	binary, image, dir := command(t)
	run := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		var out, errs bytes.Buffer
		cmd := exec.Command(binary, append([]string{"run", "--platform", platform, "--dir", dir}, args...)...)
		cmd.Stdout, cmd.Stderr = &out, &errs
		cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Fatalf("%v: exit code %d, want %d\n%s%s", args, got, want, &out, &errs)
		}
		return out.String(), errs.String()
	}
	t.Run("text", func(t *testing.T) {
		out, errs := run(0, "--env", "GREETING=hi", "--ps", "--timing", "--maps", image, "--", "end", "-x")
		for _, part := range []string{"[0] up [end -x] hi\n", "[1] up [end -x] hi\n", "cores built", "CORE", "rodata", "exited"} {
			if !strings.Contains(out, part) {
				t.Errorf("stdout lacks %q:\n%s", part, out)
			}
		}
		if !strings.HasPrefix(errs, "barreleye: platform "+platform) || !strings.HasSuffix(errs, "\nbarreleye: logs in "+dir+"\n") {
			t.Errorf("stderr is %q, want the platform and the folder", errs)
		}
		if b, err := os.ReadFile(filepath.Join(dir, "core-1.log")); string(b) != "up [end -x] hi\n" {
			t.Errorf("core-1.log: %q, %v", b, err)
		}
	})
	t.Run("json", func(t *testing.T) {
		out, errs := run(0, "-o", "json", "--cores", "3", image, "--", "end")
		var r multikernel.Report
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if len(r.Cores) != 3 || r.Dir != dir || len(r.Timing) == 0 || len(r.Cores[2].Maps) == 0 {
			t.Errorf("report is incomplete: %s", out)
		}
		if !strings.Contains(errs, "[2] up [end]") {
			t.Errorf("stderr lacks the guests' lines: %s", errs)
		}
	})
	t.Run("exit code", func(t *testing.T) {
		_, errs := run(7, image, "--", "exit", "7")
		if !strings.Contains(errs, "barreleye: core 1 exited with code 7: ") {
			t.Errorf("stderr: %s", errs)
		}
		if r, err := runs.Open(dir); err != nil || r.State() != runs.Ended || *r.ExitCode != 7 || r.Cores != 2 || len(r.Args) != 2 || r.Platform != platform {
			t.Errorf("%s: %+v, %v", runs.File, r, err)
		}
	})
	t.Run("crash", func(t *testing.T) {
		if platform == multikernel.PlatformHosted {
			t.Skip("of virtual machines only: a process has Linux instead of a driver")
		}
		out, errs := run(CodeCrash, image, "--", "crash")
		if !strings.Contains(out, "[vmm] core 1: crashed: page fault") || !strings.Contains(errs, "barreleye: core 1 crashed: ") {
			t.Errorf("output:\n%s%s", out, errs)
		}
	})
	t.Run("deadlock", func(t *testing.T) {
		out, errs := run(CodeDeadlock, image, "--", "deadlock")
		if !strings.Contains(out, "[1]   [chan receive] main.main ") || !strings.Contains(errs, "barreleye: deadlock: ") {
			t.Errorf("output:\n%s%s", out, errs)
		}
	})
	t.Run("one core", func(t *testing.T) { run(0, "--cores", "1", image, "--", "end") })
	t.Run("no patch", func(t *testing.T) { run(0, "--no-patch", image, "--", "end") })
}

// TestWithoutKVM: a run on a machine without KVM works, and says what it does.
func TestWithoutKVM(t *testing.T) {
	image := filepath.Join(t.TempDir(), "guest")
	if err := os.WriteFile(image, buildGuest(t), 0o755); err != nil {
		t.Fatal(err)
	}
	got := inProcess("no-such-device", "run", image, "--", "end")
	if got.code != CodeOK || !strings.Contains(got.out, "[1] up [end]") {
		t.Errorf("code %d: %s%s", got.code, got.out, got.err)
	}
	if want := "barreleye: platform hosted: cores are Linux processes: no /dev/kvm"; !strings.HasPrefix(got.err, want) {
		t.Errorf("stderr %q does not begin with %q", got.err, want)
	}
}
