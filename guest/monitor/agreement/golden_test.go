package agreement

import (
	"strings"
	"testing"

	"barreleye/guest/monitor/routes"
	"barreleye/guest/monitor/simulate"
	"barreleye/guest/monitor/simulate/transcript"
)

// inTree has the cores speak to each other over a tree.
func inTree(t *trial) *trial {
	t.tree = routes.Balanced(len(t.cores))
	return t
}

// TestTranscripts compares what is said in a few short runs with what was said when
// somebody last read them.
func TestTranscripts(t *testing.T) {
	for name, run := range map[string]*trial{
		"three-cores": trialOf(3, 0, false, simulate.Given(nil)),
		"death":       trialOf(3, 1, false, simulate.Seeded(4, false)),
		"return":      trialOf(2, 1, true, simulate.Seeded(3, false)),
		"tree":        inTree(trialOf(5, 0, false, simulate.Given(nil))),
		"tree-death":  inTree(trialOf(5, 1, false, simulate.Seeded(27865, false))),
	} {
		t.Run(name, func(t *testing.T) {
			var text strings.Builder
			run.log = &text
			if err := run.run(); err != nil {
				t.Fatal(err)
			}
			transcript.Compare(t, name, text.String())
		})
	}
}
