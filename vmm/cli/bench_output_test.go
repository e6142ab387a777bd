package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"barreleye/vmm/bench"
)

// TestPageFile: a benchmark that fails leaves of --html what was there before, one
// that ends leaves the page.
func TestPageFile(t *testing.T) {
	dir := t.TempDir()
	report := &bench.Report{CPU: "a CPU", Platform: "hosted"}
	for name, before := range map[string]string{"new.html": "", "old.html": strings.Repeat("old ", 10_000)} {
		path := filepath.Join(dir, name)
		if before != "" {
			if err := os.WriteFile(path, []byte(before), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		failing := benchOutput{html: path}
		if err := failing.open(); err != nil {
			t.Fatal(err)
		}
		failing.abandon()
		if got, err := os.ReadFile(path); string(got) != before || (before == "") != os.IsNotExist(err) {
			t.Errorf("%s after a failure: %.20q, %v", name, got, err)
		}
		ending := benchOutput{html: path, form: benchFormat(formatText)}
		if err := ending.open(); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := ending.write(&out, report, "urpc"); err != nil {
			t.Fatal(err)
		}
		ending.abandon()
		got, err := os.ReadFile(path)
		if err != nil || !bytes.HasPrefix(got, []byte("<!DOCTYPE html>")) || !bytes.HasSuffix(got, []byte("</html>\n")) {
			t.Errorf("%s: %v, %.20q ... %.20q", name, err, got, got[max(0, len(got)-20):])
		}
		if !strings.Contains(out.String(), "a CPU") {
			t.Errorf("no table: %q", out.String())
		}
	}
}
