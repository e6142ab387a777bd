package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"barreleye/devices/filetree"
)

func TestSplit(t *testing.T) {
	t.Chdir(t.TempDir())
	here := "/" + filepath.Base(must(os.Getwd()))
	for _, c := range []struct{ spec, host, guest string }{
		{"a:/b", "a", "/b"}, {"/x/a:/b/c", "/x/a", "/b/c"}, {"a", "a", "/a"}, {"/x/a", "/x/a", "/a"}, {"x/a/", "x/a/", "/a"},
		{".", ".", here}, {"a:/", "a", "/"}, {"a:b:/c", "a:b", "/c"}, {"a:/b:c", "a", "/b:c"}, {"a:/b/../c/", "a", "/c"}, {"a:/..", "a", "/"},
	} {
		host, guest, err := Split(c.spec)
		if err != nil || host != c.host || guest != c.guest {
			t.Errorf("%s: %q, %q, %v, want %q, %q", c.spec, host, guest, err, c.host, c.guest)
		}
	}
	for _, spec := range []string{"", ":/b", "a:b", "a:", "a:../b"} {
		if host, guest, err := Split(spec); err == nil {
			t.Errorf("%s: %q, %q, want an error", spec, host, guest)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// folder makes files (text by name), folders (names that end in a slash) and
// links ("NAME>TARGET").
func folder(t *testing.T, names map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range names {
		name, target, link := strings.Cut(name, ">")
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		switch {
		case err != nil:
		case link:
			err = os.Symlink(target, path)
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(path, 0o755)
		default:
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// contents returns "path=text" of all files and "path" of all folders.
func contents(t *testing.T, tree *Tree) (list []string) {
	t.Helper()
	for _, e := range tree.Plan.Entries() {
		line := e.Path
		if !e.Mode.IsDir() {
			b := make([]byte, e.Size)
			if err := e.Read(b); err != nil {
				t.Fatal(err)
			}
			line += "=" + string(b)
		}
		list = append(list, line)
	}
	return list
}

func TestFoldersAndLinks(t *testing.T) {
	dir := folder(t, map[string]string{
		"a": "alpha", "in/b": "beta", "in/none/": "", "file>a": "", "dir>in": "", "out>../elsewhere": "",
	})
	if err := os.WriteFile(filepath.Join(filepath.Dir(dir), "elsewhere"), []byte("outside"), 0o644); err != nil {
		t.Fatal(err)
	}
	var tree Tree
	for host, guest := range map[string]string{dir: "/x", filepath.Join(dir, "a"): "/x/in/a", filepath.Join(dir, "in"): "/"} {
		if err := tree.Add(host, guest); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"/", "/b=beta", "/none", "/x", "/x/a=alpha", "/x/dir", "/x/dir/b=beta", "/x/dir/none", "/x/file=alpha",
		"/x/in", "/x/in/a=alpha", "/x/in/b=beta", "/x/in/none", "/x/out=outside"}
	if got := contents(t, &tree); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestRefused(t *testing.T) {
	dir := folder(t, map[string]string{"a": "alpha", "b": "beta", "loop/in/back>..": "", "broken/link>nothere": "", "pipe/": ""})
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe", "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(folderOf(t, dir, "huge"), "sparse"), MaxBytes); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		host, guest string
		want        error  // nil: any
		text        string // in the message
	}{
		{"nothere", "/x", fs.ErrNotExist, "check the path"},
		{"a/x", "/x", syscall.ENOTDIR, "check the path"},
		{"loop", "/x", nil, "leads back"},
		{"broken", "/x", fs.ErrNotExist, "broken/link: "},
		{"pipe", "/x", nil, "named pipe"},
		{"huge", "/x", nil, "1024 MiB"},
		{"b", "/taken", filetree.ErrClash, "/taken"},
		{"b", "/taken/x", filetree.ErrClash, "/taken is a file"},
		{"b", "/", filetree.ErrClash, ""},
		{"b", "/" + strings.Repeat("x", 256), filetree.ErrPath, ""},
	} {
		var tree Tree
		if err := tree.Add(filepath.Join(dir, "a"), "/taken"); err != nil {
			t.Fatal(err)
		}
		err := tree.Add(filepath.Join(dir, c.host), c.guest)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || strings.Count(err.Error(), ": ") < 1 {
			t.Errorf("%s as %s: %v, want %v with %q", c.host, c.guest, err, c.want, c.text)
		}
	}
}

// folderOf makes a folder with an empty file "sparse".
func folderOf(t *testing.T, dir, name string) string {
	t.Helper()
	inner := filepath.Join(dir, name)
	if err := os.Mkdir(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(inner, "sparse"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return inner
}

// TestChangedMeanwhile: a file that became shorter is an error, one of /proc,
// which has no size, is whole.
func TestChangedMeanwhile(t *testing.T) {
	dir := folder(t, map[string]string{"a": "alpha", "b": "beta"})
	var tree Tree
	if err := tree.Add(dir, "/"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("al"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "b")); err != nil {
		t.Fatal(err)
	}
	for _, e := range tree.Plan.Entries() {
		if !e.Mode.IsDir() {
			if err := e.Read(make([]byte, e.Size)); err == nil {
				t.Errorf("%s was read all the same", e.Path)
			}
		}
	}
	var proc Tree
	if err := proc.Add("/proc/self/cmdline", "/x"); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, &proc); len(got) != 2 || !strings.Contains(got[1], ".test") {
		t.Errorf("a file of /proc holds %q", got)
	}
}
