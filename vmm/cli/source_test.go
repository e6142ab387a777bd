package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"barreleye/vmm/builtin"
	"barreleye/vmm/image"
)

// TestLoadImage checks which of the three forms an argument means.
func TestLoadImage(t *testing.T) {
	elf := buildGuest(t)
	dir := t.TempDir()
	t.Chdir(dir)
	names := []string{"program"}
	if slices.Contains(builtin.Names(), "hello") {
		names = append(names, "hello")
	}
	for _, name := range names {
		if err := os.WriteFile(name, elf, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	h := Host{Stderr: &bytes.Buffer{}}
	load := func(arg string) *image.Image {
		t.Helper()
		im, err := h.loadImage(arg, image.LoadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return im
	}
	file := load("program")
	if file.Name != "program" {
		t.Errorf("a file: named %q", file.Name)
	}
	folder := load(filepath.Join(packageDir, "testdata", "guest"))
	if folder.Name != "guest" || folder.Entry != file.Entry {
		t.Errorf("a folder: named %q, entry %#x, want guest, %#x", folder.Name, folder.Entry, file.Entry)
	}
	if len(file.Unpatched()) != 0 {
		t.Errorf("unpatched system calls: %v", file.Unpatched())
	}
	if len(names) == 1 {
		t.Skip("no built-in images: build them with make images")
	}
	if builtin, file := load("hello"), load("./hello"); bytes.Equal(builtin.File, file.File) {
		t.Error("hello and ./hello are the same, want the built-in image and the file")
	}
}

// TestNoGoTool says what to do where a folder cannot be built.
func TestNoGoTool(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	h := Host{Stderr: &bytes.Buffer{}}
	_, err := h.loadImage(t.TempDir(), image.LoadOptions{})
	if err == nil || codeOf(err) != CodeImage || !strings.Contains(err.Error(), "not on PATH: install Go") {
		t.Errorf("got %v", err)
	}
}

// TestRunDir checks where logs go.
func TestRunDir(t *testing.T) {
	home, state := t.TempDir(), t.TempDir()
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"HOME": home, "XDG_STATE_HOME": state}, state},
		{map[string]string{"HOME": home}, filepath.Join(home, ".local", "state")},
		{map[string]string{"HOME": home, "XDG_STATE_HOME": "relative"}, filepath.Join(home, ".local", "state")},
	} {
		h := Host{Getenv: func(name string) string { return c.env[name] }}
		dir, err := h.runDir("", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if got, want := filepath.Dir(dir), filepath.Join(c.want, "barreleye", "runs"); got != want {
			t.Errorf("%v: got a folder in %s, want %s", c.env, got, want)
		}
		if _, err := os.Stat(dir); err != nil {
			t.Error(err)
		}
		if again, err := h.runDir("", time.Now()); err != nil || again == dir {
			t.Errorf("a second run of the command: %s, %v, want another folder than %s", again, err, dir)
		}
	}
	h := Host{Getenv: func(string) string { return "" }}
	var f *failure
	if _, err := h.runDir("", time.Now()); !errors.As(err, &f) || f.code != CodeUsage {
		t.Errorf("without HOME: got %v", err)
	}
}
