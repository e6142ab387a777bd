package sources

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree makes a folder that looks like the sources.
func tree(t *testing.T, dir string) string {
	t.Helper()
	write(t, filepath.Join(dir, "go.mod"), "module barreleye\n\ngo 1.26.0\n")
	write(t, filepath.Join(dir, "guest", "guest.go"), "package guest\n")
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// root returns a folder whose path has no symbolic links in it.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFind(t *testing.T) {
	dir := root(t)
	built := tree(t, filepath.Join(dir, "tree"))
	prefix := filepath.Join(dir, "usr")
	installed := tree(t, filepath.Join(prefix, "share", "barreleye", "src"))
	write(t, filepath.Join(built, "bin", "barreleye"), "")
	write(t, filepath.Join(prefix, "bin", "barreleye"), "")
	link := filepath.Join(dir, "home", "bin", "barreleye")
	write(t, filepath.Join(dir, "home", "bin", "other"), "")
	if err := os.Symlink(filepath.Join(built, "bin", "barreleye"), link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, named, executable, want string }{
		{"in the tree it was built in", "", filepath.Join(built, "bin", "barreleye"), built},
		{"installed", "", filepath.Join(prefix, "bin", "barreleye"), installed},
		{"through a link", "", link, built},
		{"named", installed, filepath.Join(built, "bin", "barreleye"), installed},
	} {
		got, err := Find(c.named, c.executable)
		if err != nil || got.Dir != c.want || got.Go != "1.26.0" {
			t.Errorf("%s: got %+v, %v, want %s", c.name, got, err, c.want)
		}
	}
}

func TestFindNothing(t *testing.T) {
	dir := root(t)
	bin := filepath.Join(dir, "bin", "barreleye")
	write(t, bin, "")
	write(t, filepath.Join(dir, "go.mod"), "module other\n\ngo 1.26.0\n")
	if _, err := Find("", bin); err == nil || !strings.Contains(err.Error(), bin) || !strings.Contains(err.Error(), "--source or BARRELEYE_SOURCE") {
		t.Errorf("no sources: got %v", err)
	}
	// What is named is taken or refused, never replaced by something else.
	whole := tree(t, filepath.Join(dir, "whole"))
	for _, named := range []string{dir, filepath.Join(dir, "nowhere"), bin} {
		if _, err := Find(named, filepath.Join(whole, "bin", "barreleye")); err == nil || !strings.Contains(err.Error(), named) {
			t.Errorf("sources named as %s: got %v", named, err)
		}
	}
	if err := os.RemoveAll(filepath.Join(whole, "guest")); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(whole, bin); err == nil {
		t.Error("a tree without package guest is taken")
	}
}
