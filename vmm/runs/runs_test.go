package runs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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
	t.Cleanup(r.release)
	return r
}

// holdVariable names the folder in which the test binary holds a run until its
// input ends.
const holdVariable = "BARRELEYE_TEST_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdVariable); dir != "" {
		r, err := Begin(dir, Run{Image: "hello", Started: time.Now()})
		fmt.Println(err)
		io.Copy(io.Discard, os.Stdin)
		runtime.KeepAlive(r)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// holder starts a process that runs in the folder. It dies when in is closed.
func holder(t *testing.T, dir string) (child *exec.Cmd, in io.Closer) {
	t.Helper()
	child = exec.Command(os.Args[0])
	child.Env = append(os.Environ(), holdVariable+"="+dir)
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { child.Process.Kill() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "<nil>\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	return child, in
}

// A run lives as long as its lock is held, whatever number its process has
// here: that of another PID namespace means nothing.
func TestLock(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "one")
	os.Mkdir(dir, 0o755)
	child, in := holder(t, dir)
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	r.PID, r.PIDStart = 1<<30, 1
	if err := r.write(); err != nil {
		t.Fatal(err)
	}
	if got := state(t, dir); got != Running {
		t.Errorf("with the lock held it is %s", got)
	}
	list, err := List(root)
	if err != nil || len(list) != 1 {
		t.Fatalf("list: %d runs, %v", len(list), err)
	}
	if remove := Prune(list, 0, 0, time.Now()); len(remove) != 0 {
		t.Error("prune would remove a run that lives")
	}
	if removed, err := list[0].Remove(); removed || err != nil {
		t.Errorf("a run that lives: removed %t, %v", removed, err)
	}
	if _, err := Begin(dir, Run{}); !errors.Is(err, ErrLives) {
		t.Errorf("a second run in the folder: %v", err)
	}
	// as if it had begun after the list was made
	end := time.Now()
	r.Ended = &end
	r.write()
	if removed, err := r.Remove(); removed || err != nil {
		t.Errorf("a run that lives, by its lock: removed %t, %v", removed, err)
	}
	r.Ended = nil
	if err := r.write(); err != nil {
		t.Fatalf("the folder of a run that lives is gone: %v", err)
	}
	in.Close()
	child.Wait()
	if got := state(t, dir); got != Died {
		t.Errorf("after the death of its holder it is %s", got)
	}
	if removed, err := r.Remove(); !removed || err != nil {
		t.Errorf("a run that died: removed %t, %v", removed, err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder of a run that died is still there")
	}
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
	if files, _ := os.ReadDir(r.Dir); len(files) != 2 {
		t.Errorf("%d files are left in the folder, want the note and the lock", len(files))
	}
}

// unlock makes of r a run of before there were locks, or of a file system that
// has none.
func unlock(t *testing.T, r *Run) {
	t.Helper()
	r.release()
	if err := os.Remove(filepath.Join(r.Dir, LockFile)); err != nil {
		t.Fatal(err)
	}
}

// A run without a lock has died when its process is gone, also where its number
// was given out again or nobody has waited for it yet.
func TestDied(t *testing.T) {
	r := begin(t, t.TempDir(), "one", time.Now())
	unlock(t, r)
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
	for deadline := time.Now().Add(time.Minute); r.State() != Died; time.Sleep(time.Millisecond) {
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
			r.release()
			continue
		}
		end := r.Started.Add(time.Minute)
		r.Ended, r.ExitCode = &end, new(int)
		r.write()
		r.release()
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
		if _, err := r.Remove(); err != nil {
			t.Error(err)
		}
	}
	if list, _ = List(root); ids(list) != "4 1" {
		t.Errorf("left: %s, want those that live", ids(list))
	}
}
