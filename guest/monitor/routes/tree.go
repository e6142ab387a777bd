package routes

import (
	"fmt"

	"barreleye/guest/monitor/cores"
)

// Tree says which core is above which. The zero Tree is none: every core is every other
// one's neighbour.
type Tree struct {
	above []int // by core: the core above it, none for the root
	depth []int
}

// None is no core.
const None = -1

// Balanced returns the tree of n cores of which nothing is known but their number: core 0
// is the root, and every core has up to about the square root of n below it, so that no
// core is further than two steps from the root.
func Balanced(n int) Tree {
	width := 1
	for 1+width+width*width < n {
		width++
	}
	above := make([]int, n)
	for c := range above {
		above[c] = (c-1+width)/width - 1 // none for core 0
	}
	t, _ := Of(above)
	return t
}

// Of returns the tree in which above[c] is the core above core c, and -1 above the root.
func Of(above []int) (Tree, error) {
	t := Tree{above, make([]int, len(above))}
	roots := 0
	for c := range above {
		for up := c; above[up] != None; t.depth[c]++ {
			if up = above[up]; up < 0 || up >= len(above) || t.depth[c] == len(above) {
				return Tree{}, fmt.Errorf("routes: no way from core %d to a root", c)
			}
		}
		if above[c] == None {
			roots++
		}
	}
	if roots != 1 {
		return Tree{}, fmt.Errorf("routes: %d roots in a tree of %d cores", roots, len(above))
	}
	return t, nil
}

// Above returns the core above a core, -1 for the root.
func (t *Tree) Above(core int) int { return t.above[core] }

// Direct reports whether there is no tree.
func (t *Tree) Direct() bool { return t.above == nil }

// root returns the member that is nearest to the root, the lowest of several.
func (t *Tree) root(members *cores.Set) int {
	root := None
	for c := range members.All() {
		if root == None || t.depth[c] < t.depth[root] {
			root = c
		}
	}
	return root
}

// up returns the core above c in a view: the nearest member on its way to the root, or
// the root of the view.
func (t *Tree) up(c, root int, members *cores.Set) int {
	if c == root {
		return None
	}
	for up := t.above[c]; up != None; up = t.above[up] {
		if members.Has(up) {
			return up
		}
	}
	return root
}
