package guesttest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestFind(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	built := filepath.Join(dir, "built")
	unbuilt := filepath.Join(dir, "unbuilt")
	installed := filepath.Join(dir, "usr", "share", "barreleye", "src")
	for _, path := range []string{
		filepath.Join(empty, "guest"),
		filepath.Join(built, "bin", "barreleye"),
		filepath.Join(built, "cmd", "barreleye", "main.go"),
		filepath.Join(unbuilt, "cmd", "barreleye", "main.go"),
		filepath.Join(installed, "go.mod"),
		filepath.Join(dir, "usr", "bin", "barreleye"),
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	nowhere := func(string) (string, error) { return "", errors.New("not found") }
	onPath := func(name string) (string, error) { return "/path/" + name, nil }
	for _, c := range []struct {
		name, env, dir string
		lookPath       func(string) (string, error)
		want           string // "" for an error
	}{
		{"named", "/my/barreleye", built, onPath, "/my/barreleye"},
		{"built with the sources", "", built, onPath, filepath.Join(built, "bin", "barreleye")},
		{"installed with the sources", "", installed, onPath, filepath.Join(dir, "usr", "bin", "barreleye")},
		{"on PATH", "", unbuilt, onPath, "/path/barreleye"},
		{"on PATH, sources unknown", "", "", onPath, "/path/barreleye"},
		{"to be built", "", unbuilt, nowhere, "built in " + unbuilt},
		{"nowhere", "", empty, nowhere, ""},
		{"nowhere, sources unknown", "", "", nowhere, ""},
	} {
		getenv := func(name string) string { return map[string]string{"BARRELEYE": c.env}[name] }
		build := func(dir string) (string, error) { return "built in " + dir, nil }
		got, err := find(c.dir, getenv, c.lookPath, build)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}

// TestBuild makes the command of this module's own sources.
func TestBuild(t *testing.T) {
	dir := sources()
	if _, err := os.Stat(filepath.Join(dir, "guest", "guesttest")); err != nil {
		t.Fatalf("the module's folder, as found: %q: %v", dir, err)
	}
	path, err := build(t)(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	if _, err := build(t)(t.TempDir()); err == nil {
		t.Error("a folder without sources: want an error")
	}
}
