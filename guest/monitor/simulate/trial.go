package simulate

import (
	"fmt"
	"io"

	"barreleye/guest/monitor/routes"
)

// Trial is what a run is made from, besides the protocol that runs: the same trial makes
// the same run.
type Trial struct {
	Seed    uint64 // what its sizes are made from, unless a test gives them
	Choices *Choices
	Log     io.Writer // gets what happens, line by line; nil if nobody reads it

	Cores   int
	Deaths  int         // cores that may die
	Returns bool        // and come back
	Tree    routes.Tree // for protocols that speak over one
}

// Size makes the number of cores from the seed: from few to more, and up to 64 once in rare
// seeds.
func (t *Trial) Size(few, more, rare int) {
	t.Cores = few + int(t.Seed%uint64(more-few+1))
	if t.Seed%uint64(rare) == 0 {
		t.Cores = more + 1 + int(t.Seed/uint64(rare)%uint64(64-more))
	}
}

// Note writes a line of what happens.
func (t *Trial) Note(format string, args ...any) {
	if t.Log != nil {
		fmt.Fprintf(t.Log, format+"\n", args...)
	}
}
