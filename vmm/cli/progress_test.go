package cli

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a new terminal of so many columns: what
// programs write to term is read from keeper.
func openTerminal(t *testing.T, columns uint16) (keeper, term *os.File) {
	t.Helper()
	keeper, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { keeper.Close() })
	fd := int(keeper.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	if term, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { term.Close() })
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 25, Col: columns}); err != nil {
		t.Fatal(err)
	}
	return keeper, term
}

var seconds = regexp.MustCompile(`\d+ s`)

// TestProgress has a step that takes long: its line is shown, makes room for
// what else is written, and is gone in the end.
func TestProgress(t *testing.T) {
	keeper, term := openTerminal(t, 30)
	h := Host{Stderr: term, Getenv: func(string) string { return "" }}
	p := h.progress("building %s", "something with a long name")
	p.since = p.since.Add(-7 * time.Second)
	read := func(want string) {
		t.Helper()
		var got string
		for b := make([]byte, 4096); len(got) < len(want); { // a terminal gives what has come
			n, err := keeper.Read(b)
			got += seconds.ReplaceAllString(string(b[:n]), "N s")
			if err != nil || !strings.HasPrefix(want, got) {
				t.Fatalf("got %q, %v, want %q", got, err, want)
			}
		}
	}
	// it appears by itself; the read ends when it did
	read(eraseLine + "barreleye: building something")
	p.mu.Lock()
	p.timer.Stop() // it would be drawn again
	p.mu.Unlock()
	p.say("linking")
	read(eraseLine + "barreleye: linking: N s")
	fmt.Fprint(p, "a line\n")
	read(eraseLine + "a line\r\n")
	p.end()
	p.end()
	p.tick() // one that was under way
	fmt.Fprint(term, "end\n")
	read("end\r\n")
}

// TestProgressElsewhere shows nothing where stderr is no terminal.
func TestProgressElsewhere(t *testing.T) {
	_, term := openTerminal(t, 80)
	var out bytes.Buffer
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for name, h := range map[string]Host{
		"buffer": {Stderr: &out, Getenv: func(string) string { return "" }},
		"file":   {Stderr: file, Getenv: func(string) string { return "" }},
		"dumb":   {Stderr: term, Getenv: func(name string) string { return map[string]string{"TERM": "dumb"}[name] }},
	} {
		p := h.progress("building")
		if p.timer != nil {
			t.Errorf("%s: a line will appear", name)
		}
		p.say("linking")
		fmt.Fprint(p, "a line\n")
		p.end()
	}
	if out.String() != "a line\n" {
		t.Errorf("got %q", out.String())
	}
}
