// Package supervise decides what happens when a core's life has ended by itself: it is
// left alone, it and perhaps others begin a new life, or the whole is given up. The
// rules are those of Erlang's supervisors, over cores instead of processes: a tree whose
// leaves are cores and whose inner nodes restart their children by a strategy, unless
// that happens too often. Then the node has failed itself, which is its parent's to
// handle, and at the root the end of the run.
//
// Nothing here starts or stops anything or looks at a clock: Ended is told what
// happened and when, and says what is to be done. docs/reference/supervision.md has the
// rules as a user sees them.
package supervise

import (
	"fmt"
	"slices"
	"time"
)

// Restart says after which ends a child is started again. Erlang's names of them are
// temporary, transient and permanent.
type Restart int

// Restart types.
const (
	Never     Restart = iota // whatever happened
	OnFailure                // after a crash, or an exit code that is not 0
	Always
)

// Strategy says which children are restarted with one that is.
type Strategy int

// Strategies.
const (
	OneForOne  Strategy = iota // that one alone
	OneForAll                  // all of them
	RestForOne                 // those that come after it in the node's order as well
)

// Intensity is how often a node restarts children at most: Restarts times within any
// time span of length Within. A restart of several children at once counts as one.
type Intensity struct {
	Restarts int
	Within   time.Duration
}

// Node is a node of the tree: a core, or a group of nodes.
type Node struct {
	Restart Restart // what its parent does when it ends; the root has none

	Core int // of a leaf, which has no children

	Name      string // of a group, for messages
	Strategy  Strategy
	Intensity Intensity
	Children  []*Node

	parent *Node
	times  []time.Time // of a group's restarts, the latest last; no more than count
}

// Tree is a supervision tree while its cores live.
type Tree struct {
	root   *Node
	leaves map[int]*Node
}

// New makes a tree of its root, which must be a group. Nodes belong to it from then on.
func New(root *Node) (*Tree, error) {
	t := &Tree{root: root, leaves: map[int]*Node{}}
	if len(root.Children) == 0 {
		return nil, fmt.Errorf("supervise: the root has no children: give it a core")
	}
	return t, t.adopt(root)
}

// adopt enters a node and all below it.
func (t *Tree) adopt(n *Node) error {
	if len(n.Children) == 0 {
		if t.leaves[n.Core] != nil {
			return fmt.Errorf("supervise: core %d stands in the tree twice: keep it in one group", n.Core)
		}
		t.leaves[n.Core] = n
		return nil
	}
	for _, c := range n.Children {
		c.parent = n
		if err := t.adopt(c); err != nil {
			return err
		}
	}
	return nil
}

// Add makes a core the last child of the root.
func (t *Tree) Add(core int, r Restart) error {
	n := &Node{Restart: r, Core: core, parent: t.root}
	if err := t.adopt(n); err != nil {
		return err
	}
	t.root.Children = append(t.root.Children, n)
	return nil
}

// cores returns the leaves below a node, in order.
func (n *Node) cores() (list []*Node) {
	if len(n.Children) == 0 {
		return []*Node{n}
	}
	for _, c := range n.Children {
		list = append(list, c.cores()...)
	}
	return list
}

// from returns the child and, as the group's strategy has it, others of the group.
func (n *Node) from(child *Node) []*Node {
	switch n.Strategy {
	case OneForAll:
		return n.Children
	case RestForOne:
		return n.Children[slices.Index(n.Children, child):]
	}
	return []*Node{child}
}
