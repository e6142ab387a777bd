// Package transcript compares what is said in a run of a protocol with what was said when
// somebody last read it: testdata/NAME.txt, which `go test -update` writes anew.
package transcript

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the transcripts in testdata")

// Compare compares a transcript with that of a name.
func Compare(t testing.TB, name, text string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run the test with -update, and read what it writes", err)
	}
	if text != string(want) {
		t.Errorf("%s has another transcript; read it, and run the test with -update:\n%s", file, text)
	}
}
