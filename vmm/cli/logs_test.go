package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"barreleye/vmm/observe"
	"barreleye/vmm/runs"
)

// written is the log of a run that some tests look at.
const written = `{"time":"2026-11-24T10:00:00.000000000Z","core":0,"stream":"stdout","msg":"zero says hello"}
{"time":"2026-11-24T10:00:01.000000000Z","core":1,"stream":"stderr","msg":"one has a doubt"}
{"time":"2026-11-24T10:00:02.000000000Z","core":2,"stream":"stderr","kind":"slog","level":"DEBUG","msg":"small","attrs":{"n":1}}
{"time":"2026-11-24T10:00:03.000000000Z","core":0,"stream":"stderr","kind":"panic","level":"ERROR","msg":"panic: x\n\ngoroutine 1 [running]:"}
{"time":"2026-11-24T10:00:04.000000000Z","core":1,"stream":"driver","msg":"system call 1 is not served"}
{"time":"2026-11-24T10:00:05.000000000Z","stream":"vmm","level":"ERROR","msg":"core 0: exited with code 2"}
`

// state is a user's folder of state with runs in it.
type state struct {
	t   *testing.T
	dir string
}

// add makes a run that this process runs, with a log.
func (s *state) add(id, log string, started time.Time) *runs.Run {
	s.t.Helper()
	dir := filepath.Join(s.dir, "barreleye", "runs", id)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	r, err := runs.Begin(dir, runs.Run{Image: "hello", Cores: 3, Platform: "kvm", Started: started})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, observe.LogFile), []byte(log), 0o644); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { runtime.KeepAlive(r) }) // it holds the folder's lock
	return r
}

// holdVariable names the folder in which the test binary holds a run until its
// input ends.
const holdVariable = "BARRELEYE_TEST_HOLD"

// holdRun does so.
func holdRun(dir string) {
	r, err := runs.Begin(dir, runs.Run{Image: "hello", Started: time.Now()})
	if err != nil {
		return
	}
	fmt.Println("begun")
	io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(r)
}

// run runs a command in this process.
func (s *state) run(args ...string) result {
	var out, errs bytes.Buffer
	h := Host{Started: time.Now(), Stdout: &out, Stderr: &errs, Getenv: func(name string) string {
		return map[string]string{"XDG_STATE_HOME": s.dir}[name]
	}}
	code := Main(h, args)
	return result{code, out.String(), errs.String()}
}

func TestLogs(t *testing.T) {
	s := &state{t, t.TempDir()}
	if got := s.run("logs"); got.code != CodeUsage || !strings.Contains(got.err, "no such run") {
		t.Errorf("logs without a run: %+v", got)
	}
	s.add("20261124-1", written, time.Now()).End(0, nil)
	if got := s.run("logs", "--core", "2,3"); got.code != CodeUsage || got.out != "" || !strings.Contains(got.err, "--core 3: run 20261124-1 has no such core: give numbers from 0 to 2") {
		t.Errorf("logs of a core too many: %+v", got)
	}
	s.add("20261123-1", "", time.Now().Add(-time.Hour)).End(0, nil)
	all := `[0] zero says hello
[1] one has a doubt
[2] DEBUG small n=1
[0] panic: x
[0] 
[0] goroutine 1 [running]:
[1] system call 1 is not served
[vmm] core 0: exited with code 2
`
	lines := strings.SplitAfter(all, "\n")
	pick := func(n ...int) (text string) {
		for _, i := range n {
			text += lines[i]
		}
		return text
	}
	for _, c := range []struct{ args, want string }{
		{"", all},
		{"latest", all},
		{"20261124", all},
		{filepath.Join(s.dir, "barreleye/runs/20261124-1"), all},
		{"-f", all}, // it has ended
		{"20261123", ""},
		{"--core 1", pick(1, 6)},
		{"--core 2,vmm --core 1", pick(1, 2, 6, 7)},
		{"--level info", pick(0, 1, 3, 4, 5, 6, 7)},
		{"--level warn", pick(1, 3, 4, 5, 6, 7)},
		{"--level warn+1", pick(3, 4, 5, 7)},
		{"--level ERROR --core 0", pick(3, 4, 5)},
		{"--grep n=1|doubt$", pick(1, 2)},
		{"--grep ^goroutine", ""},
		{"--grep (?m)^goroutine", pick(3, 4, 5)},
		{"--since 2026-11-24T10:00:04Z", pick(6, 7)},
		{"--since 1ms", ""},
		{"-t --core vmm", "2026-11-24T10:00:05.000000000Z " + lines[7]},
		{"-o json", written},
		{"-o json --level debug --core 2", strings.SplitAfter(written, "\n")[2]},
	} {
		got := s.run(append([]string{"logs"}, strings.Fields(c.args)...)...)
		if got.code != 0 || got.out != c.want || got.err != "" {
			t.Errorf("logs %s: code %d, %q, %q, want %q", c.args, got.code, got.out, got.err, c.want)
		}
	}
}

// stream is an output that another goroutine reads.
type stream struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *stream) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

// until waits for a text in what was written.
func (s *stream) until(t *testing.T, want string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		got := s.text.String()
		s.mu.Unlock()
		if strings.Contains(got, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the output is %q and lacks %q", got, want)
		}
	}
}

// follow starts `logs -f` and returns its output and what gets its exit code.
func (s *state) follow() (*stream, chan int) {
	out, code := &stream{}, make(chan int, 1)
	h := Host{Stdout: out, Stderr: out, Getenv: func(name string) string {
		return map[string]string{"XDG_STATE_HOME": s.dir}[name]
	}}
	go func() { code <- Main(h, []string{"logs", "-f", "--core", "0"}) }()
	return out, code
}

func ended(t *testing.T, code chan int) {
	t.Helper()
	select {
	case c := <-code:
		if c != 0 {
			t.Errorf("exit code %d", c)
		}
	case <-time.After(time.Minute):
		t.Fatal("logs -f does not end with the run")
	}
}

func entry(text string) string {
	return fmt.Sprintf(`{"time":"2026-11-24T10:00:00.000000000Z","core":0,"stream":"stdout","msg":%q}`+"\n", text)
}

// A log is followed while it grows, by pieces of lines too, up to what was
// written last before the run's end.
func TestFollowUntilTheEnd(t *testing.T) {
	s := &state{t, t.TempDir()}
	run := s.add("1", entry("first"), time.Now())
	file, err := os.OpenFile(filepath.Join(run.Dir, observe.LogFile), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	out, code := s.follow()
	out.until(t, "[0] first\n")
	second := entry("second")
	file.WriteString(second[:20])
	file.WriteString(second[20:] + entry("third")[:30])
	out.until(t, "[0] second\n")
	file.WriteString(entry("third")[30:] + entry("last"))
	run.End(0, nil)
	ended(t, code)
	if got, want := out.text.String(), "[0] first\n[0] second\n[0] third\n[0] last\n"; got != want {
		t.Errorf("output %q, want %q", got, want)
	}
}

// A run that dies ends the following too.
func TestFollowUntilDeath(t *testing.T) {
	s := &state{t, t.TempDir()}
	dir := filepath.Join(s.dir, "barreleye", "runs", "1")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, observe.LogFile), []byte(entry("first")), 0o644); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), holdVariable+"="+dir)
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	begun, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Process.Kill()
	if _, err := begun.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	out, code := s.follow()
	out.until(t, "[0] first\n")
	select {
	case <-code:
		t.Fatal("logs -f ended while the run lives")
	case <-time.After(3 * followEvery):
	}
	child.Process.Kill()
	child.Wait()
	ended(t, code)
}

func TestRuns(t *testing.T) {
	s := &state{t, t.TempDir()}
	if got := s.run("runs", "-o", "json"); got.out != "[]\n" {
		t.Errorf("runs without any: %q", got.out)
	}
	s.add("b", "", time.Now().Add(-time.Hour)).End(3, nil)
	s.add("a", "", time.Now())
	got := s.run("runs", "-o", "json")
	var list []struct {
		ID, State, Dir, Image string
		ExitCode              *int `json:"exit_code"`
	}
	if err := json.Unmarshal([]byte(got.out), &list); err != nil {
		t.Fatalf("%v: %s", err, got.out)
	}
	if len(list) != 2 || list[0].ID != "a" || list[0].State != runs.Running || list[0].ExitCode != nil ||
		list[1].State != runs.Ended || *list[1].ExitCode != 3 || list[1].Dir != filepath.Join(s.dir, "barreleye/runs/b") {
		t.Errorf("runs: %s", got.out)
	}
	got = s.run("runs")
	rows := strings.Split(got.out, "\n")
	if len(rows) != 4 || !strings.HasPrefix(rows[1], "a    running  -") || !strings.HasPrefix(rows[2], "b    ended    3") {
		t.Errorf("runs:\n%s", got.out)
	}
	if got := s.run("runs", "prune", "--keep", "0", "--dry-run"); got.out != "would remove "+list[1].Dir+" (ended)\n" {
		t.Errorf("prune --dry-run: %q", got.out)
	}
	if got := s.run("runs", "prune", "--keep", "0"); got.code != 0 || got.out != "removed "+list[1].Dir+" (ended)\n" {
		t.Errorf("prune: %+v", got)
	}
	if _, err := os.Stat(list[1].Dir); err == nil {
		t.Error("the folder is still there")
	}
	if got := s.run("runs", "prune", "--older", "0s"); got.out != "" {
		t.Errorf("prune with nothing but a living run: %q", got.out)
	}
}

// Colours are for terminals, and for who wants them.
func TestColours(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no terminal can be made here: %v", err)
	}
	defer terminal.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, c := range []struct {
		name string
		to   io.Writer
		env  map[string]string
		want bool
	}{
		{"a terminal", terminal, nil, true},
		{"NO_COLOR", terminal, map[string]string{"NO_COLOR": "1"}, false},
		{"empty NO_COLOR", terminal, map[string]string{"NO_COLOR": "", "TERM": "xterm"}, true},
		{"dumb terminal", terminal, map[string]string{"TERM": "dumb"}, false},
		{"no file", &bytes.Buffer{}, nil, false},
		{"no terminal", null, nil, false},
	} {
		h := &Host{Getenv: func(name string) string { return c.env[name] }}
		if got := h.colours(c.to); got != c.want {
			t.Errorf("%s: coloured is %v, want %v", c.name, got, c.want)
		}
	}
}
