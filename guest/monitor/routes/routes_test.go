package routes

import (
	"math/rand/v2"
	"testing"

	"barreleye/guest/monitor/cores"
)

// walk follows a message from one core to another and returns how many channels it takes.
func walk(t *testing.T, tables map[int]*Table, from, to int) (steps int) {
	t.Helper()
	for at := from; at != to; steps++ {
		next := tables[at].Next(to)
		if tables[next] == nil || steps > len(tables) {
			t.Fatalf("from %d to %d: at core %d after %d steps, next is %d", from, to, at, steps, next)
		}
		if n := tables[next].Neighbours(); !n.Has(at) {
			t.Fatalf("core %d is a neighbour of core %d, and not the other way round", next, at)
		}
		at = next
	}
	return steps
}

// tablesOf returns the tables of all members.
func tablesOf(tree *Tree, members *cores.Set) map[int]*Table {
	tables := map[int]*Table{}
	for c := range members.All() {
		table := tree.Table(c, members)
		tables[c] = &table
	}
	return tables
}

// check looks at all ways among the members: each arrives, the channels are those of a
// tree, and what is for a set reaches each core of it over one neighbour, the next one.
func check(t *testing.T, tree *Tree, members *cores.Set, r *rand.Rand) (longest int) {
	t.Helper()
	tables := tablesOf(tree, members)
	ends := 0
	for from, table := range tables {
		n := table.Neighbours()
		ends += n.Len()
		set := *members
		for c := range members.All() {
			if r.IntN(3) == 0 {
				set.Remove(c)
			}
			if c != from {
				longest = max(longest, walk(t, tables, from, c))
			}
		}
		set.Remove(from)
		to := set
		for hop, part := range table.Split(&to) {
			part := whole(hop, part)
			for c := range part.All() {
				if table.Next(c) != hop || !set.Has(c) {
					t.Fatalf("core %d sends to core %d over %d, and splits over %d", from, c, table.Next(c), hop)
				}
			}
			set = set.Without(&part)
		}
		if set != (cores.Set{}) {
			t.Fatalf("core %d sends nothing to %v", from, set)
		}
	}
	if want := 2 * (members.Len() - 1); ends != want && members.Len() > 0 {
		t.Fatalf("%d ends of channels among %d cores, want %d", ends, members.Len(), want)
	}
	return longest
}

// whole is a part of what Split runs through, with what is obvious.
func whole(hop int, part *cores.Set) cores.Set {
	if part == nil {
		return cores.Of(hop)
	}
	return *part
}

// TestBalanced: trees of all sizes are flat, and no core has many neighbours.
func TestBalanced(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 2, 3, 4, 5, 7, 8, 9, 16, 63, 64, 65, 200} {
		tree := Balanced(n)
		members := cores.First(n)
		if longest := check(t, &tree, &members, r); longest > 4 {
			t.Errorf("%d cores: a way of %d steps", n, longest)
		}
		for c, table := range tablesOf(&tree, &members) {
			around := table.Neighbours()
			if above := table.Above(); above != tree.Above(c) || (above == None) != (c == 0) || above != None && !around.Has(above) {
				t.Errorf("%d cores: core %d is below core %d in its table, below core %d in the tree", n, c, above, tree.Above(c))
			}
			if w := around.Len() - 1; w*w > 2*n {
				t.Errorf("%d cores: core %d has %d neighbours", n, c, w+1)
			}
		}
	}
}

// TestDeaths: whoever is missing, the others reach each other, and only cores below a dead
// one have another neighbour than before, but for those that take them.
func TestDeaths(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := 2 + r.IntN(40)
		tree := Balanced(n)
		if seed%2 == 0 {
			above := []int{None}
			for c := 1; c < n; c++ {
				above = append(above, r.IntN(c))
			}
			var err error
			if tree, err = Of(above); err != nil {
				t.Fatal(err)
			}
		}
		members := cores.First(n)
		for members.Len() > 1 {
			check(t, &tree, &members, r)
			dead := r.IntN(n)
			root := tree.root(&members)
			for c := range members.All() {
				before := tree.up(c, root, &members)
				after := members
				after.Remove(dead)
				if c == dead || before == dead || dead == root {
					continue
				}
				if now := tree.up(c, root, &after); now != before {
					t.Fatalf("seed %d: core %d is below %d, and below %d once core %d died", seed, c, before, now, dead)
				}
			}
			members.Remove(dead)
		}
	}
}

// TestOf: what is no tree is refused.
func TestOf(t *testing.T) {
	for _, above := range [][]int{{None, None}, {1, 0}, {None, 2, 1}, {None, 7}, {None, -2}, {}} {
		if tree, err := Of(above); err == nil {
			t.Errorf("%v is %+v", above, tree)
		}
	}
}

// TestDirect: without a tree, everything goes straight.
func TestDirect(t *testing.T) {
	var tree Tree
	members := cores.First(5)
	table := tree.Table(2, &members)
	for hop := range table.Split(&members) {
		t.Errorf("over %d", hop)
	}
	if table.Next(4) != 4 || !tree.Direct() || table.Neighbours() != (cores.Set{}) {
		t.Errorf("%+v", table)
	}
	balanced := Balanced(5)
	table = balanced.Table(0, &members)
	for range table.Split(&members) {
		break // ending early is no error
	}
}
