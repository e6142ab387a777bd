package docs

import (
	"context"
	"errors"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// command is one command of a page.
type command struct {
	at    string
	line  string
	code  int    // expected; -1 where the next command shows it
	shown string // expected output
	check bool   // whether output is shown
}

var (
	exitCode = regexp.MustCompile(`# exit code (\d+)$`)
	// looksLike finds commands that are not marked as such.
	looksLike = regexp.MustCompile(`(?m)^\s*(\$ |(sudo |bin/)?(barreleye|make|go|scripts/[\w-]+) [a-z./-]+( \S|$))`)
)

// commands returns the commands of a block, none for other blocks.
func (b *block) commands() (list []command) {
	switch b.kind {
	case "sh":
		for _, line := range logical(b.text) {
			c := command{at: b.at, line: line}
			if m := exitCode.FindStringSubmatch(line); m != nil {
				c.code, _ = strconv.Atoi(m[1])
			}
			list = append(list, c)
		}
	case "console":
		for text := range strings.SplitSeq("\n"+strings.TrimRight(b.text, "\n"), "\n$ ") {
			if text == "" {
				continue
			}
			line, shown, _ := strings.Cut(text, "\n")
			list = append(list, command{at: b.at, line: line, shown: shown, check: true})
		}
		for i := range list[:max(len(list)-1, 0)] {
			if list[i+1].line == "echo $?" {
				list[i].code = -1
			}
		}
	}
	return list
}

// logical splits a script into commands: lines that end in a backslash, or
// inside quotes, go on in the next.
func logical(script string) (list []string) {
	var open string
	for line := range strings.Lines(script) {
		open += line
		if strings.HasSuffix(line, "\\\n") || strings.Count(open, "'")%2 == 1 {
			continue
		}
		if c := strings.TrimSpace(open); c != "" && !strings.HasPrefix(c, "#") {
			list = append(list, c)
		}
		open = ""
	}
	return list
}

// shell is where the commands of one page run.
type shell struct {
	dir  string // the current folder
	src  string // where Barreleye's sources are
	env  []string
	last int    // exit code of the last command
	keep string // file with the folder in which that left the shell
}

// sourcesPath stands for where Barreleye's sources are, in pages.
const sourcesPath = "/path/to/barreleye"

// newShell makes an empty folder with bin/barreleye beside it.
func newShell(t *testing.T, binary string) *shell {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	src, err := filepath.Abs(tree)
	if err != nil {
		t.Fatal(err)
	}
	s := &shell{src: src, dir: filepath.Join(root, "work"), keep: filepath.Join(root, "pwd")}
	bin, telemetry := filepath.Join(s.dir, "bin"), filepath.Join(root, "home", ".config", "go", "telemetry")
	err = errors.Join(os.MkdirAll(bin, 0o755), os.Symlink(binary, filepath.Join(bin, "barreleye")),
		// The go tool would go on writing there after the test.
		os.MkdirAll(telemetry, 0o755), os.WriteFile(filepath.Join(telemetry, "mode"), []byte("off"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	s.env = append(os.Environ(), "HOME="+filepath.Join(root, "home"), "XDG_STATE_HOME=", "XDG_CONFIG_HOME=", "TMPDIR="+root, "PATH="+bin+":"+os.Getenv("PATH"),
		"BARRELEYE="+binary, "BARRELEYE_SOURCE="+src, "GOPROXY=off", "GOFLAGS=-buildvcs=false", "CGO_ENABLED=0", "LC_ALL=C.UTF-8")
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		s.env = append(s.env, name+"="+strings.TrimSpace(string(out)))
	}
	return s
}

// script runs a command in the shell's folder, with the last command's code
// as $?, and notes in which folder it leaves it.
const script = `trap 'pwd >"$KEEP"' EXIT; set -o pipefail; cd -- "$WHERE" || exit; (exit "$LAST")
`

// ended limits what a command that hangs costs: more than the slowest takes on a host that
// does much else.
const ended = 5 * time.Minute

// run runs a command and returns what it printed, as a terminal would show it.
func (s *shell) run(line string) (out string, code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), ended)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script+strings.ReplaceAll(line, sourcesPath, s.src))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // to end all of it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Env = append(s.env, "KEEP="+s.keep, "WHERE="+s.dir, "LAST="+strconv.Itoa(s.last))
	b, err := cmd.CombinedOutput()
	s.last = cmd.ProcessState.ExitCode()
	if ctx.Err() != nil {
		return string(b), s.last, ctx.Err()
	}
	where, err := os.ReadFile(s.keep)
	if err != nil {
		return string(b), s.last, err
	}
	s.dir = strings.TrimSuffix(string(where), "\n")
	return string(b), s.last, nil
}

// write makes a file that a page shows.
func (s *shell) write(name, text string) error {
	return os.WriteFile(filepath.Join(s.dir, name), []byte(strings.ReplaceAll(text, sourcesPath, s.src)), 0o644)
}

// check runs a command and compares it with what its page says.
func (s *shell) check(c command) error {
	out, code, err := s.run(c.line)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %s: %w\n%s", c.at, c.line, err, out)
	case c.code >= 0 && code != c.code:
		return fmt.Errorf("%s: %s: exit code %d, want %d\n%s", c.at, c.line, code, c.code, out)
	case c.check:
		if err := compare(c.shown, out, strings.Contains(c.line, "--platform")); err != nil {
			return fmt.Errorf("%s: %s: %w", c.at, c.line, err)
		}
	}
	return nil
}

// TestCommands executes the commands of all pages.
func TestCommands(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "barreleye")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-X 'barreleye/vmm/cli.stamp=0.0.0+20261124.g000000000000 0'", "-o", binary, "barreleye/cmd/barreleye").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	for _, p := range readPages(t) {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			runPage(t, newShell(t, binary), p.blocks())
		})
	}
}

func runPage(t *testing.T, s *shell, blocks []block) {
	for _, b := range blocks {
		switch {
		case b.file != "":
			if err := s.write(b.file, b.text); err != nil {
				t.Fatalf("%s: %v", b.at, err)
			}
			continue
		case b.kind == "go":
			if _, err := format.Source([]byte(b.text)); err != nil {
				t.Errorf("%s: no Go: %v", b.at, err)
			}
			continue
		case b.kind != "sh" && b.kind != "console" && looksLike.MatchString(b.text):
			t.Errorf("%s: %q looks like a command: mark the block as sh or console", b.at, strings.TrimSpace(looksLike.FindString(b.text)))
			continue
		}
		why := ""
		for _, c := range b.commands() {
			if c.line != "echo $?" { // which goes with the command before it
				why = skipped(c.line)
			}
			t.Run(c.line, func(t *testing.T) {
				if why != "" {
					t.Skip(why)
				}
				if err := s.check(c); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
