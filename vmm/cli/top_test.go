package cli

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// last is what is worth showing of a screen.
func last(s string) string { return s[max(0, len(s)-2000):] }

// TestTop has the real binary on a terminal: it shows the cores of a run, obeys keys, and
// when the run ends it says how.
func TestTop(t *testing.T) {
	state := t.TempDir()
	l := begin(t, state, "--platform", "hosted", "--cores", "2")
	l.up(2)
	for _, end := range []string{"key", "run"} {
		keeper, term := openTerminal(t, 130)
		cmd := exec.Command(l.binary, "top", "--interval", "100ms")
		cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+state, "TERM=xterm-256color")
		cmd.Stdin, cmd.Stdout, cmd.Stderr = term, term, term
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Minute, func() {
			cmd.Process.Kill()
			keeper.Close() // which ends the wait for its screen
		})
		term.Close()
		var screen strings.Builder
		wait := func(text string) {
			t.Helper()
			b := make([]byte, 1<<12)
			for !strings.Contains(screen.String(), text) {
				n, err := keeper.Read(b)
				if err != nil {
					t.Fatalf("%v: %q lacks %q", err, last(screen.String()), text)
				}
				screen.Write(b[:n])
			}
		}
		wait("guest on hosted")
		wait("2 of 2 cores live")
		if end == "key" {
			keeper.WriteString(" ")
			wait("paused") // written as one: before, the line ended there
			keeper.WriteString("q")
		} else {
			l.do(0, "shutdown")
			wait("has ended with code 0")
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v: %q", end, err, last(screen.String()))
		}
		timer.Stop()
	}
}
