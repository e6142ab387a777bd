package starter

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"barreleye/vmm/sources"

	"golang.org/x/mod/modfile"
)

func TestWrite(t *testing.T) {
	tree := sources.Tree{Dir: "/opt/the sources/barreleye", Go: "1.26.0"}
	dir := filepath.Join(t.TempDir(), "new", "greet")
	files, err := Write(dir, "example.com/me/greet", tree)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"go.mod", ".gitignore", "README.md", "main.go", "main_test.go", "messages.go"}
	if !slices.Equal(files, want) {
		t.Errorf("files %q, want %q", files, want)
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		}
		return string(b)
	}
	for _, name := range files {
		read(name)
	}
	mod, err := modfile.Parse("go.mod", []byte(read("go.mod")), nil)
	if err != nil {
		t.Fatal(err)
	}
	if mod.Module.Mod.Path != "example.com/me/greet" || mod.Go.Version != tree.Go ||
		len(mod.Require) != 1 || mod.Require[0].Mod.Path != sources.Module ||
		len(mod.Replace) != 1 || mod.Replace[0].Old.Path != sources.Module || mod.Replace[0].New.Path != tree.Dir {
		t.Errorf("go.mod:\n%s", read("go.mod"))
	}
	if readme := read("README.md"); !strings.HasPrefix(readme, "# greet\n") || strings.Contains(readme, placeholder) {
		t.Errorf("README.md is not the program's:\n%s", readme)
	}
}

// TestWriteIntoFolder checks which folders are taken for empty.
func TestWriteIntoFolder(t *testing.T) {
	dir := t.TempDir()
	tree := sources.Tree{Dir: dir, Go: "1.26.0"}
	if err := os.Mkdir(filepath.Join(dir, ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(dir, "example.com/greet", tree); err != nil {
		t.Errorf("a new repository: %v", err)
	}
	before, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Write(dir, "example.com/other", tree); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("a folder with a module: got %v, want %v", err, ErrNotEmpty)
	}
	if after, err := os.ReadDir(dir); err != nil || len(after) != len(before) {
		t.Errorf("the folder has %d entries after a refusal, had %d (%v)", len(after), len(before), err)
	}
}

func TestModulePath(t *testing.T) {
	for dir, want := range map[string]string{
		"greet": "example.com/greet", "../x/my-prog/": "example.com/my-prog", "my prog": "", "naïve": "",
	} {
		if got, err := ModulePath(dir); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v, want %q", dir, got, err, want)
		}
	}
	for _, path := range []string{"barreleye", "barreleye/x", "a b", ""} {
		dir := filepath.Join(t.TempDir(), "x")
		if _, err := Write(dir, path, sources.Tree{Dir: "/src", Go: "1.26.0"}); err == nil {
			t.Errorf("module path %q is taken", path)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("module path %q: a folder was made", path)
		}
	}
}
