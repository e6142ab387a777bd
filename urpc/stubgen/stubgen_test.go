package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the expected files")

// expect compares got with a file.
func expect(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from what is generated: look at it with -update, and git diff", name)
	}
}

// TestExample: the example's stubs, which its own tests compile and run, are those
// that are generated now, also where they are missing.
func TestExample(t *testing.T) {
	got, err := generate("example", "Store")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, filepath.Join("example", outputName("Store")), got)
}

// TestErrors: what is refused is named with its place.
func TestErrors(t *testing.T) {
	source, err := os.ReadFile("testdata/bad/bad.go")
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	names := regexp.MustCompile(`(?m)^type ([A-Z]\w*)(\[T any\])? (interface|struct\{\})`).FindAllSubmatch(source, -1)
	if len(names) < 20 {
		t.Fatalf("only %d types", len(names))
	}
	for _, name := range append(names, [][]byte{1: []byte("Absent")}) {
		_, err := generate("testdata/bad", string(name[1]))
		if err == nil {
			t.Errorf("%s: no error", name[1])
			continue
		}
		text := err.Error()
		if !regexp.MustCompile(`^[^ :]*bad\.go:\d+:\d+: `).MatchString(text) || strings.Contains(text, "\n") {
			t.Errorf("%s: %q is not one line with a place", name[1], text)
		}
		dir, _ := os.Getwd()
		fmt.Fprintf(&all, "%s: %s\n", name[1], strings.ReplaceAll(text, dir+"/", ""))
	}
	expect(t, "testdata/errors.txt", all.Bytes())
}

func TestNoPackage(t *testing.T) {
	if _, err := generate(t.TempDir(), "Store"); err == nil {
		t.Error("no error")
	}
}
