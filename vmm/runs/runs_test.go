package runs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// begin makes a run of this process, which lives, in root.
func begin(t *testing.T, root, id string, started time.Time) *Run {
	t.Helper()
	dir := filepath.Join(root, id)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	r, err := Begin(dir, Run{Image: "hello", Args: []string{"-x"}, Cores: 2, Platform: "kvm", Started: started})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func state(t *testing.T, dir string) string {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r.State()
}

func TestBeginAndEnd(t *testing.T) {
	r := begin(t, t.TempDir(), "one", time.Now())
	if got := state(t, r.Dir); got != Running {
		t.Errorf("after the beginning it is %s", got)
	}
	if err := r.End(3, errors.New("no luck")); err != nil {
		t.Fatal(err)
	}
	got, err := Open(r.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if got.State() != Ended || *got.ExitCode != 3 || got.Error != "no luck" || got.ID != "one" || got.Image != "hello" || len(got.Args) != 1 || !got.Started.Equal(r.Started) {
		t.Errorf("read back: %+v", got)
	}
	if files, _ := os.ReadDir(r.Dir); len(files) != 1 {
		t.Errorf("%d files are left in the folder, want one", len(files))
	}
}

// A run whose process is gone has died, also where its number was given out
// again or nobody has waited for it yet.
func TestDied(t *testing.T) {
	r := begin(t, t.TempDir(), "one", time.Now())
	child := exec.Command("cat")
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	r.PID, r.PIDStart = child.Process.Pid, processStart(child.Process.Pid)
	if r.State() != Running {
		t.Errorf("with a living process it is %s", r.State())
	}
	r.PIDStart++
	if r.State() != Died {
		t.Errorf("with another process of that number it is %s", r.State())
	}
	r.PIDStart--
	in.Close() // it ends, and is a zombie
	for deadline := time.Now().Add(20 * time.Second); r.State() != Died; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a zombie counts as alive")
		}
	}
	child.Wait()
	if r.State() != Died {
		t.Errorf("with no process it is %s", r.State())
	}
}

func TestStartOfProcess(t *testing.T) {
	tail := strings.Repeat(" 0", 18) + " 4711 99"
	for text, want := range map[string]uint64{
		"12 (cat) S" + tail:          4711,
		"12 (a) Z (b c) S) R" + tail: 4711,
		"12 (cat) Z" + tail:          0,
		"12 (cat) S 1 2":             0,
		"":                           0,
	} {
		if got := startOf(text); got != want {
			t.Errorf("start of %q: %d, want %d", text, got, want)
		}
	}
	if processStart(os.Getpid()) == 0 {
		t.Error("this process has no start")
	}
}

func ids(list []*Run) string {
	var all []string
	for _, r := range list {
		all = append(all, r.ID)
	}
	return strings.Join(all, " ")
}

func TestListAndFind(t *testing.T) {
	root := t.TempDir()
	now := time.Now()
	for i, id := range []string{"20260101-1", "20260102-2", "20260102-3"} {
		begin(t, root, id, now.Add(time.Duration(i)*time.Hour))
	}
	os.Mkdir(filepath.Join(root, "other"), 0o755)
	os.WriteFile(filepath.Join(root, "file"), nil, 0o644)
	os.Mkdir(filepath.Join(root, "torn"), 0o755)
	os.WriteFile(filepath.Join(root, "torn", File), []byte("{"), 0o644)
	list, err := List(root)
	if got := ids(list); err != nil || got != "20260102-3 20260102-2 20260101-1" {
		t.Errorf("list: %s, %v", got, err)
	}
	if list, err := List(filepath.Join(root, "none")); len(list) != 0 || err != nil {
		t.Errorf("list of no folder: %v, %v", list, err)
	}
	find := func(name string) string {
		r, err := Find(func() (string, error) { return root, nil }, name)
		switch {
		case errors.Is(err, ErrNone):
			return "none"
		case errors.Is(err, ErrAmbiguous):
			return "several"
		case err != nil:
			return err.Error()
		}
		return r.ID
	}
	t.Chdir(root)
	for name, want := range map[string]string{
		"latest": "20260102-3", "20260101": "20260101-1", "20260102-2": "20260102-2", "20260102": "several", "x": "none",
		filepath.Join(root, "20260101-1"): "20260101-1", "./20260102-2": "20260102-2", "./other": "none", ".": "none", "/no/such/folder": "none",
	} {
		if got := find(name); got != want {
			t.Errorf("find %s: %s, want %s", name, got, want)
		}
	}
}

func TestPrune(t *testing.T) {
	root := t.TempDir()
	now := time.Now()
	for i := range 5 { // 4 is the newest
		r := begin(t, root, fmt.Sprint(i), now.Add(time.Duration(i-10)*time.Hour))
		switch i {
		case 1, 4: // lives
			continue
		case 2: // died
			r.PIDStart++
			r.write()
			continue
		}
		end := r.Started.Add(time.Minute)
		r.Ended, r.ExitCode = &end, new(int)
		r.write()
	}
	list, err := List(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		keep  int
		older time.Duration
		want  string
	}{
		{0, 0, "3 2 0"},
		{1, 0, "3 2 0"},
		{3, 0, "0"}, // 4, 3 and 2 are kept, 1 lives
		{9, 0, ""},
		{0, 8 * time.Hour, "0"}, // of 2 was heard just now: its files are new
		{2, 5 * time.Hour, "0"},
	} {
		if got := ids(Prune(list, c.keep, c.older, now.Add(time.Minute))); got != c.want {
			t.Errorf("keep %d, older %v: %q, want %q", c.keep, c.older, got, c.want)
		}
	}
	for _, r := range list {
		if err := r.Remove(); err != nil {
			t.Error(err)
		}
	}
	if list, _ = List(root); ids(list) != "4 1" {
		t.Errorf("left: %s, want those that live", ids(list))
	}
}
