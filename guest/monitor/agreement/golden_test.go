package agreement

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"barreleye/guest/monitor/simulate"
)

var update = flag.Bool("update", false, "rewrite the transcripts in testdata")

// TestTranscripts compares what is said in a few short runs with what was said when
// somebody last read them.
func TestTranscripts(t *testing.T) {
	for name, run := range map[string]*trial{
		"three-cores": trialOf(3, 0, false, simulate.Given(nil)),
		"death":       trialOf(3, 1, false, simulate.Seeded(4, false)),
		"return":      trialOf(2, 1, true, simulate.Seeded(3, false)),
	} {
		t.Run(name, func(t *testing.T) {
			var text strings.Builder
			run.log = &text
			if err := run.run(); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if text.String() != string(want) {
				t.Errorf("%s has another transcript; read it, and run go test ./guest/monitor/agreement -run TestTranscripts -update:\n%s", file, &text)
			}
		})
	}
}
