package integration

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"barreleye/vmm/files"
	"barreleye/vmm/image"
	"barreleye/vmm/multikernel"
)

// manyFiles is more than one listing call has room for.
const manyFiles = 300

// dataFolder makes the tree that the probe's task "files" wants.
func dataFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	var text strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&text, "line %d\n", i)
	}
	write(t, filepath.Join(dir, "text"), text.String(), 0o640)
	write(t, filepath.Join(dir, "tool"), "#!/x", 0o755)
	for i := range manyFiles {
		write(t, filepath.Join(dir, "many", fmt.Sprintf("n%04d", i)), fmt.Sprint(i), 0o644)
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// bootWith runs the probe on two cores with files, given as HOST:GUEST.
func bootWith(t *testing.T, given []string, args ...string) *outcome {
	t.Helper()
	opt := options(t, load(t, "probe", image.LoadOptions{}), 2, args...)
	opt.Tick = scaled(200*time.Microsecond, 10*time.Millisecond) // falls into long reads
	var tree files.Tree
	for _, spec := range given {
		host, guest, err := files.Split(spec)
		if err == nil {
			err = tree.Add(host, guest)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	opt.Files = &tree.Plan
	return run(t, opt)
}

func TestFilesBehaveAsOnLinux(t *testing.T) {
	o := bootWith(t, []string{dataFolder(t) + ":/data"}, "files")
	o.wantOK()
	for i, c := range o.Cores {
		o.wantLine(i, "files: ok")
		if c.Unserved != 0 {
			t.Errorf("core %d: %d system calls of package os are not served", i, c.Unserved)
		}
		mapped := slices.ContainsFunc(c.Maps, func(m multikernel.Mapping) bool { return m.Kind == "files" && m.Prot == "r--" })
		if !mapped && !onHosted() {
			t.Errorf("core %d does not map the files read-only: %v", i, c.Maps)
		}
	}
}

// TestAllOfATreeArrives compares what guests see of a tree with what is there.
func TestAllOfATreeArrives(t *testing.T) {
	dir := dataFolder(t)
	large := make([]byte, scaled(20, 2)<<20+123)
	for i := range large {
		large[i] = byte(i * 7 >> 5)
	}
	write(t, filepath.Join(dir, "large"), string(large), 0o444)
	old := time.Unix(-1000, 5) // before 1970
	if err := os.Chtimes(filepath.Join(dir, "text"), old, old); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../large", filepath.Join(dir, "empty", "link")); err != nil {
		t.Fatal(err)
	}
	single := filepath.Join(t.TempDir(), "single")
	write(t, single, "alone", 0o644)

	var want []string
	add := func(path, host string) {
		info, err := os.Stat(host)
		if err != nil {
			t.Fatal(err)
		}
		mode, size, sum := fs.ModeDir|0o555, int64(0), [sha256.Size]byte{}
		if !info.IsDir() {
			data, err := os.ReadFile(host)
			if err != nil {
				t.Fatal(err)
			}
			mode, size, sum = 0o444|info.Mode()&0o111, info.Size(), sha256.Sum256(data)
		}
		want = append(want, fmt.Sprintf("tree %s %v %d %d %x", path, mode, size, info.ModTime().UnixNano(), sum[:8]))
	}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		add("/x/y"+strings.TrimPrefix(path, dir), path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	add("/x/y/single", single)
	slices.Sort(want)
	o := bootWith(t, []string{dir + ":/x/y", single + ":/x/y/single"}, "tree", "/x/y")
	o.wantOK()
	for core := range o.Cores {
		got := o.logged(core, "tree ")
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("core %d: %d files and folders, want %d, or others; the first that differs: %s", core, len(got), len(want), firstDifference(got, want))
		}
	}
}

func firstDifference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("%q, want %q", got[i], want[i])
		}
	}
	return "one list is longer"
}

func TestProgramsMountFiles(t *testing.T) {
	given := filepath.Join(t.TempDir(), "given")
	write(t, given, "given at the start\n", 0o644)
	o := bootWith(t, []string{given + ":/etc/given.txt"}, "mount")
	o.wantOK()
	for i := range o.Cores {
		o.wantLine(i, "mount: ok")
	}
}

// TestNoFiles: a guest that was given none has an empty root.
func TestNoFiles(t *testing.T) {
	o := boot(t, "probe", 1, "tree", "/")
	o.wantOK()
	if got := o.logged(0, "tree "); len(got) != 1 || !strings.HasPrefix(got[0], "tree / dr-xr-xr-x ") {
		t.Errorf("the root holds %q", got)
	}
}
