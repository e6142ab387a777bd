package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"barreleye/vmm/image"
)

// TestReadmeProgram builds the program that README.md shows, in a module of
// its own as it tells to, and runs it where cores can run.
func TestReadmeProgram(t *testing.T) {
	tree := filepath.Join(packageDir, "..", "..")
	b, err := os.ReadFile(filepath.Join(tree, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := func(start string) string {
		_, after, ok := strings.Cut(string(b), start)
		text, _, end := strings.Cut(after, "\n```\n")
		if !ok || !end {
			t.Fatalf("README.md has no block that starts with %q", start)
		}
		return text + "\n"
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  strings.ReplaceAll("module "+block("```\nmodule "), "/path/to/this/tree", tree),
		"main.go": "package main" + block("```go\npackage main"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var errs bytes.Buffer
	h := Host{Stderr: &errs}
	if _, err := h.loadImage(dir, image.LoadOptions{}); err != nil {
		t.Fatalf("%v\n%s", err, &errs)
	}
	needKVM(t)
	got := inProcess("/dev/kvm", "run", "--cores", "3", dir)
	if got.code != CodeOK || got.out != "[0] it is core 1\n[0] it is core 2\n" {
		t.Errorf("code %d: %s%s", got.code, got.out, got.err)
	}
}
