package routes

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"barreleye/guest/monitor/cores"
	"barreleye/guest/monitor/simulate/transcript"
)

// TestTranscript compares the ways of what is for all in a tree of ten cores, as some die and
// return, with those when somebody last read them.
func TestTranscript(t *testing.T) {
	var text strings.Builder
	tree := Balanced(10)
	all := cores.First(10)
	var spread func(tables map[int]*Table, at int, set cores.Set, depth string)
	spread = func(tables map[int]*Table, at int, set cores.Set, depth string) {
		set.Remove(at)
		for next, part := range tables[at].Split(&set) {
			part := whole(next, part)
			fmt.Fprintf(&text, "%score %d -> core %d, for %v\n", depth, at, next, slices.Collect(part.All()))
			spread(tables, next, part, depth+"  ")
		}
	}
	for _, dead := range []cores.Set{{}, cores.Of(1), cores.Of(0), cores.Of(0, 1, 2), cores.Of(2, 7)} {
		members := all.Without(&dead)
		tables := tablesOf(&tree, &members)
		from := members.Lowest()
		fmt.Fprintf(&text, "dead are %v: core %d to all, core 9 to core %d\n", slices.Collect(dead.All()), from, from)
		spread(tables, from, members, "  ")
		for at := 9; at != from; at = tables[at].Next(from) {
			fmt.Fprintf(&text, "  core %d -> core %d\n", at, tables[at].Next(from))
		}
	}
	transcript.Compare(t, "ways", text.String())
}
