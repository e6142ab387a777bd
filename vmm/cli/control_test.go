package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"barreleye/vmm/multikernel"
	"barreleye/vmm/operator"
	"barreleye/vmm/runs"
	"barreleye/vmm/timeline/timelinetest"
)

// living is a run of the real binary that lives.
type living struct {
	t      *testing.T
	binary string
	state  string // XDG_STATE_HOME
	cmd    *exec.Cmd
	output bytes.Buffer
}

// begin starts a run, and returns once its cores have said that they are up.
func begin(t *testing.T, state string, args ...string) *living {
	t.Helper()
	binary, image, _ := command(t)
	l := &living{t: t, binary: binary, state: state}
	l.cmd = exec.Command(binary, append(append([]string{"run"}, args...), image, "--", "sleep")...)
	l.cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+state)
	l.cmd.Stdout, l.cmd.Stderr = &l.output, &l.output
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.cmd.Process.Kill()
		l.cmd.Wait()
	})
	return l
}

// do runs a command, and wants an exit code.
func (l *living) do(code int, args ...string) (stdout, stderr string) {
	l.t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(l.binary, args...)
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+l.state)
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != code {
		l.t.Errorf("%v: exit code %d, want %d: %s%s", args, got, code, &out, &errs)
	}
	return out.String(), errs.String()
}

// up waits until so many cores of a run are in main.
func (l *living) up(cores int, run ...string) {
	l.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		var r multikernel.Report
		cmd := exec.Command(l.binary, append([]string{"ps", "-o", "json"}, run...)...)
		cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+l.state)
		out, err := cmd.Output()
		n := 0
		if err == nil && json.Unmarshal(out, &r) == nil {
			for _, c := range r.Cores {
				if c.State == "running" && c.BootMS > 0 {
					n++
				}
			}
		}
		if n == cores {
			return
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("%d of %d cores are up: %v\n%s", n, cores, err, &l.output)
		}
	}
}

// TestControlCommands: the commands that ask a run for something, with the real binary.
func TestControlCommands(t *testing.T) {
	for _, platform := range platforms() {
		t.Run(platform, func(t *testing.T) { testControlCommands(t, platform) })
	}
}

// testInspection looks into core 1, which sleeps, while core 0 does too and core 2 is dead.
func testInspection(t *testing.T, l *living) {
	out, _ := l.do(0, "stacks", "--core", "1")
	if !strings.HasPrefix(out, "goroutine ") || !strings.Contains(out, "main.main(") {
		t.Errorf("stacks of a core:\n%s", out)
	}
	out, _ = l.do(0, "stacks")
	if !strings.HasPrefix(out, "core 0 (life 1)\n\ngoroutine ") || !strings.Contains(out, "\n\ncore 1 (life 4)\n\ngoroutine ") || strings.Contains(out, "core 2") {
		t.Errorf("stacks of all:\n%s", out)
	}
	out, _ = l.do(0, "ps", "--monitors")
	if lines := strings.Split(out, "\n"); len(lines) != 4 || !strings.Contains(lines[1], "  0 1      ") || !strings.Contains(lines[2], "  ready  ") {
		t.Errorf("monitors:\n%s", out)
	}
	var monitors []operator.MonitorReport
	if out, _ := l.do(0, "ps", "--monitors", "-o", "json"); json.Unmarshal([]byte(out), &monitors) != nil || len(monitors) != 2 || !monitors[1].Ready || len(monitors[1].Members) != 2 {
		t.Errorf("monitors as JSON:\n%s", out)
	}
	if out, _ := l.do(0, "names", "--core", "1"); !strings.HasPrefix(out, "KIND  NAME  CORE") {
		t.Errorf("names:\n%s", out)
	}
	if out, _ := l.do(0, "names", "-o", "json"); !strings.Contains(out, `"services": []`) {
		t.Errorf("names as JSON:\n%s", out)
	}
	var texts []operator.Text
	if out, _ := l.do(0, "stacks", "-o", "json"); json.Unmarshal([]byte(out), &texts) != nil || len(texts) != 2 || texts[1].Life != 4 {
		t.Errorf("stacks as JSON:\n%s", out)
	}
	file := filepath.Join(t.TempDir(), "profile")
	for _, args := range [][]string{{"--seconds", "0.1"}, {"--profile", "goroutine"}, {"--profile", "heap"}} {
		out, _ := l.do(0, append([]string{"pprof", "--core", "1", "-O", file}, args...)...)
		if want := fmt.Sprintf("core 1 (life 4): %s: look at it with 'go tool pprof %s'\n", file, file); out != want {
			t.Errorf("pprof %v: %q, want %q", args, out, want)
		}
		if b, err := os.ReadFile(file); err != nil || !bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
			t.Errorf("pprof %v: no gzip: %q, %v", args, b, err)
		}
	}
	if out, _ := l.do(0, "pprof", "--core", "1", "--profile", "allocs", "-O", "-"); !strings.HasPrefix(out, "\x1f\x8b") {
		t.Errorf("a profile on standard output: %q", out)
	}
	if _, errs := l.do(CodeRefused, "stacks", "--core", "2"); errs != "barreleye: stacks: core 2: it does not live: ps shows how the cores are, autopsy what one has left\n" {
		t.Errorf("stacks of a dead core: %q", errs)
	}
}

func testControlCommands(t *testing.T, platform string) {
	state := t.TempDir()
	l := begin(t, state, "--platform", platform, "--cores", "2", "--max-cores", "3")
	l.up(2)
	wantSandboxed(t, l.cmd.Process.Pid, platform)
	image := l.cmd.Args[len(l.cmd.Args)-3]
	out, _ := l.do(0, "ps")
	if lines := strings.Split(out, "\n"); len(lines) != 4 || !strings.HasPrefix(lines[0], "CORE  LIFE  IMAGE") || !strings.HasPrefix(lines[2], "1     1     guest") {
		t.Errorf("ps:\n%s", out)
	}
	for _, c := range []struct{ args, out string }{
		{"core add", "core 2: added (life 1)\n"},
		{"core park 1", "core 1: parked (life 1)\n"},
		{"core resume 1", "core 1: resumed (life 1)\n"},
		{"core restart --now 1", "core 1: restarted (life 2)\n"},
		{"core update --now 1 " + image, "core 1: updated (life 3)\n"},
		{"core stop --grace 1m 1", "core 1: stopped (life 3)\n"},
		{"core kill 2", "core 2: killed (life 1)\n"},
		{"core add --image " + image + " -o json", "{\n  \"core\": 1,\n  \"life\": 4\n}\n"},
	} {
		if out, _ := l.do(0, strings.Fields(c.args)...); out != c.out {
			t.Errorf("%s: %q, want %q", c.args, out, c.out)
		}
	}
	if out, _ := l.do(0, "logs", "--core", "2"); !strings.Contains(out, "[2] up") {
		t.Errorf("the log of a core that was added: %q", out)
	}
	var dumped operator.Dumped
	out, _ = l.do(0, "core", "dump", "-o", "json", "0")
	if err := json.Unmarshal([]byte(out), &dumped); err != nil || dumped.Life != 1 {
		t.Errorf("dump: %q, %v", out, err)
	} else if _, err := os.Stat(dumped.File); err != nil {
		t.Error(err)
	}
	testInspection(t, l)
	if _, errs := l.do(CodeRefused, "core", "stop", "2"); errs != "barreleye: stop: core 2: it does not live: ps shows how the cores are\n" {
		t.Errorf("a dead core: %q", errs)
	}
	if _, errs := l.do(CodeImage, "core", "update", "1", filepath.Join(packageDir, "testdata", "errors.txt")); !strings.Contains(errs, "not an ELF executable") {
		t.Errorf("no program: %q", errs)
	}

	timeline := filepath.Join(t.TempDir(), "trace.json")
	if _, errs := l.do(0, "trace", "--seconds", "0.05", "-O", timeline); !strings.Contains(errs, "trace in "+timeline+": ") {
		t.Errorf("trace: %q", errs)
	}
	if _, err := timelinetest.Read(timeline); err != nil {
		t.Error(err)
	}
	l.do(CodeHost, "trace", "-O", filepath.Join(timeline, "below"))

	// a second run, in a folder whose path no socket's address has room for
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 40))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	second := begin(t, state, "--platform", platform, "--cores", "1", "--dir", dir)
	second.up(1, dir)
	if out, _ := l.do(0, "shutdown", dir); out != fmt.Sprintf("run %s has ended with code 0\n", filepath.Base(dir)) {
		t.Errorf("shutdown: %q", out)
	}
	if _, errs := l.do(CodeRefused, "ps", dir); !strings.Contains(errs, "it has ended with code 0") {
		t.Errorf("a run that ended: %q", errs)
	}
	third := begin(t, state, "--platform", platform, "--cores", "1")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if list, _ := runs.Living(filepath.Join(state, "barreleye", "runs")); len(list) == 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no second run: %s", &third.output)
		}
	}
	if _, errs := l.do(CodeUsage, "shutdown"); !strings.HasPrefix(errs, "barreleye: shutdown: 2 runs live: name one: ") {
		t.Errorf("two runs: %q", errs)
	}
	third.cmd.Process.Kill()
	third.cmd.Wait()

	var end operator.End
	if out, _ := l.do(0, "shutdown", "--now", "-o", "json"); json.Unmarshal([]byte(out), &end) != nil || end.ExitCode != CodeCrash {
		t.Errorf("shutdown: %q", out)
	}
	l.cmd.Wait()
	if got := l.cmd.ProcessState.ExitCode(); got != CodeCrash {
		t.Errorf("the run ended with %d, and said %d", got, end.ExitCode)
	}
	l.do(CodeUsage, "ps")
}
