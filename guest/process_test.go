package guest

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// TestNotCore starts an image as a Linux process, under names that a shell
// would split, and wants one line that names it as a shell would take it.
func TestNotCore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a folder")
	image := filepath.Join(dir, "it's hello")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", image, "barreleye/images/hello")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, c := range []struct{ path, arg0, shown, run string }{
		{image, "./it's hello", `'./it'\''s hello'`, `'./it'\''s hello'`},
		{image, "it's hello", `'it'\''s hello'`, `'` + strings.ReplaceAll(image, "'", `'\''`) + `'`},
	} {
		var out, errs bytes.Buffer
		cmd := &exec.Cmd{Path: c.path, Args: []string{c.arg0}, Dir: dir, Stdout: &out, Stderr: &errs}
		cmd.Run()
		want := c.shown + ": this is a Barreleye guest image, one core of a multikernel: run it with: barreleye run " + c.run + "\n"
		if got := errs.String(); got != want || out.Len() != 0 {
			t.Errorf("it says\n%s%swant\n%s", &out, got, want)
		}
		if code := cmd.ProcessState.ExitCode(); code != exitNotGuest {
			t.Errorf("exit code %d, want %d", code, exitNotGuest)
		}
	}
}

// TestNotCoreLine covers the names that TestNotCore's files do not have.
func TestNotCoreLine(t *testing.T) {
	for _, c := range []struct{ arg0, executable, want string }{
		{"./greet", "/home/a/greet", "./greet"},
		{"/tmp/go-build12/b001/exe/greet", "/tmp/go-build12/b001/exe/greet", "FOLDER"},
		{"./two\nlines", "/home/a/two\nlines", `"./two\nlines"`},
		{"", "/home/a/greet", "/home/a/greet"},
	} {
		got := notCore(c.arg0, c.executable)
		if !strings.HasSuffix(got, ": barreleye run "+c.want) || strings.Contains(got, "\n") {
			t.Errorf("%q: %q does not end with %q on one line", c.arg0, got, c.want)
		}
	}
}

// TestAlone checks what a test on Linux sees: itself, and no peers.
func TestAlone(t *testing.T) {
	if Running() || Core() != 0 || Cores() != 1 || Life() != 1 {
		t.Errorf("running %v, core %d of %d in life %d; want not running, core 0 of 1 in life 1", Running(), Core(), Cores(), Life())
	}
	if err := WaitPeers(context.Background()); err != nil {
		t.Error(err)
	}
	if err := Mount("/x", fstest.MapFS{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("mount: %v, want %v", err, errors.ErrUnsupported)
	}
	if _, err := Channel(1); !errors.Is(err, ErrPeer) {
		t.Errorf("channel to core 1: %v, want %v", err, ErrPeer)
	}
}

func TestIsTest(t *testing.T) {
	for _, c := range []struct {
		args string
		want bool
	}{
		{"/tmp/greet.test", true},
		{"./greet.test -test.v", true},
		{"./__debug_bin12 -test.run X", true},
		{"./greet", false},
		{"./greet -v -test", false},
	} {
		if got := isTest(strings.Fields(c.args)); got != c.want {
			t.Errorf("%s: got %v, want %v", c.args, got, c.want)
		}
	}
}
