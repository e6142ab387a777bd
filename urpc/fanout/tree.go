package fanout

import (
	"fmt"
	"slices"
)

// nobody stands for a parent that does not exist.
const nobody = -1

// Tree says who passes a message on to whom.
type Tree struct {
	root     int
	parent   []int // by core; nobody for the root and for cores without a part
	children [][]int
	members  []int // all but the root, ascending
}

// NewTree checks a table: children[i] are those to whom core i passes a message
// on, in the order in which it does. Every core named must be reached from root
// exactly once, and none may have more than fan children (0: no bound). An error
// wraps ErrTree.
func NewTree(root int, children [][]int, fan int) (*Tree, error) {
	n := len(children)
	if n > maxCore+1 || root < 0 || root >= n {
		return nil, fmt.Errorf("fanout: tree: root %d of %d cores: %w: name a core that is there", root, n, ErrTree)
	}
	t := &Tree{root: root, parent: make([]int, n), children: make([][]int, n)}
	for i := range t.parent {
		t.parent[i] = nobody
	}
	named := 0
	for core, list := range children {
		if fan > 0 && len(list) > fan {
			return nil, fmt.Errorf("fanout: tree: core %d: %d children, at most %d wanted: %w: add a level", core, len(list), fan, ErrTree)
		}
		for _, c := range list {
			switch {
			case c < 0 || c >= n:
				return nil, fmt.Errorf("fanout: tree: core %d: child %d of %d cores: %w: name cores that are there", core, c, n, ErrTree)
			case c == root || t.parent[c] != nobody:
				return nil, fmt.Errorf("fanout: tree: core %d: child %d has a place already: %w: name each core once", core, c, ErrTree)
			}
			t.parent[c] = core
			named++
		}
		t.children[core] = slices.Clone(list)
	}
	// Each core has at most one parent, so what the root reaches is a tree; a
	// cycle lies beside it.
	t.members = t.under(root)
	if len(t.members) != named {
		return nil, fmt.Errorf("fanout: tree: %d of %d cores are not below core %d: %w: connect them", named-len(t.members), named, root, ErrTree)
	}
	slices.Sort(t.members)
	return t, nil
}

// Balanced makes a tree of these cores in which each has up to fan children, in
// the given order level by level. The first core is the root.
func Balanced(cores []int, fan int) (*Tree, error) {
	if len(cores) == 0 || fan < 1 || slices.Min(cores) < 0 {
		return nil, fmt.Errorf("fanout: tree: cores %v with %d children each: %w: name at least one core and one child", cores, fan, ErrTree)
	}
	children := make([][]int, slices.Max(cores)+1)
	for i, c := range cores[1:] {
		p := cores[i/fan]
		children[p] = append(children[p], c)
	}
	return NewTree(cores[0], children, fan)
}

// Root returns the core that asks.
func (t *Tree) Root() int { return t.root }

// Members returns all cores but the root, ascending.
func (t *Tree) Members() []int { return slices.Clone(t.members) }

// has reports whether a core has a place in the tree.
func (t *Tree) has(core int) bool {
	return core == t.root || core >= 0 && core < len(t.parent) && t.parent[core] != nobody
}

// below reports whether core lies below another one.
func (t *Tree) below(core, above int) bool {
	if !t.has(core) {
		return false
	}
	for p := t.parent[core]; p != nobody; p = t.parent[p] {
		if p == above {
			return true
		}
	}
	return false
}

// under returns all cores below one, level by level.
func (t *Tree) under(core int) (list []int) {
	list = slices.Clone(t.children[core])
	for i := 0; i < len(list); i++ {
		list = append(list, t.children[list[i]]...)
	}
	return list
}
