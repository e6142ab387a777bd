package routes

import (
	"iter"

	"barreleye/guest/monitor/cores"
)

// Table is one core's routes in one view.
type Table struct {
	above int
	next  []int       // by core: the neighbour that is next on the way there; nil: itself
	down  []cores.Set // by place in hops: the members that are reached over it
	hops  []int       // the neighbours
}

// Table returns the routes of core self among the members.
func (t *Tree) Table(self int, members *cores.Set) Table {
	table := Table{above: None}
	if t.Direct() {
		return table
	}
	root := t.root(members)
	table.next = make([]int, len(t.above))
	for c := range table.next {
		table.next[c] = None
	}
	table.above = t.up(self, root, members)
	place := map[int]int{}
	for c := range members.All() {
		if c == self {
			continue
		}
		hop := table.above
		for at := c; at != None; {
			up := t.up(at, root, members)
			if up == self {
				hop = at
			}
			at = up
		}
		i, ok := place[hop]
		if !ok {
			i = len(table.hops)
			place[hop] = i
			table.hops, table.down = append(table.hops, hop), append(table.down, cores.Set{})
		}
		table.next[c] = hop
		table.down[i].Add(c)
	}
	return table
}

// Next returns the neighbour to which goes what is for a core, -1 if there is no way.
func (t *Table) Next(to int) int {
	if t.next == nil {
		return to
	}
	return t.next[to]
}

// Split runs through the neighbours to which goes what is for all cores of a set, each
// with those of the set that it reaches from there: nil where it is for that one alone. Without
// a tree there are none.
func (t *Table) Split(set *cores.Set) iter.Seq2[int, *cores.Set] {
	return func(yield func(int, *cores.Set) bool) {
		for i, hop := range t.hops {
			if !set.Meets(&t.down[i]) {
				continue
			}
			var part *cores.Set
			if there := set.And(&t.down[i]); !there.Only(hop) {
				part = &there
			}
			if !yield(hop, part) {
				return
			}
		}
	}
}

// Above returns the neighbour on the way to the root of the view, None at the root or
// without a tree.
func (t *Table) Above() int { return t.above }

// Neighbours returns the cores to which something goes first; nothing is said of them where
// that is every core.
func (t *Table) Neighbours() cores.Set { return cores.Of(t.hops...) }
