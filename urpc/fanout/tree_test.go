package fanout

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestTree: what a table means.
func TestTree(t *testing.T) {
	tree, err := NewTree(2, [][]int{{5}, nil, {4, 0}, nil, nil, nil}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(tree.Members(), []int{0, 4, 5}) || tree.Root() != 2 {
		t.Errorf("root %d, members %v", tree.Root(), tree.Members())
	}
	if got := tree.under(2); !slices.Equal(got, []int{4, 0, 5}) {
		t.Errorf("below the root: %v", got)
	}
	for _, c := range []struct {
		core, above int
		want        bool
	}{{5, 0, true}, {5, 2, true}, {5, 4, false}, {2, 0, false}, {1, 2, false}, {0, 0, false}, {77, 2, false}, {-1, 2, false}} {
		if got := tree.below(c.core, c.above); got != c.want {
			t.Errorf("core %d below %d: %v", c.core, c.above, got)
		}
	}
	if tree.has(1) || !tree.has(2) || !tree.has(5) || tree.has(6) || tree.has(-1) {
		t.Error("who has a part is wrong")
	}
	tree, err = Balanced([]int{7, 6, 5, 4, 3, 2}, 2)
	if err != nil || fmt.Sprint(tree.children) != "[[] [] [] [] [] [2] [4 3] [6 5]]" {
		t.Errorf("%v, %v", tree, err)
	}
}

// TestTreesRefused: tables that are unusable tree, and what the error says.
func TestTreesRefused(t *testing.T) {
	for _, c := range []struct {
		root     int
		children [][]int
		fan      int
		want     string
	}{
		{3, [][]int{nil, nil, nil}, 0, "fanout: tree: root 3 of 3 cores: unusable tree: name a core that is there"},
		{-1, [][]int{nil}, 0, "root -1 of 1 cores"},
		{0, nil, 0, "root 0 of 0 cores"},
		{0, make([][]int, 1<<16+1), 0, "root 0 of 65537 cores"},
		{0, [][]int{{1, 2, 3}, nil, nil, nil}, 2, "core 0: 3 children, at most 2 wanted: unusable tree: add a level"},
		{0, [][]int{{1}, {2}, {0}}, 0, "core 2: child 0 has a place already"},
		{0, [][]int{{1, 1}, nil}, 0, "core 0: child 1 has a place already"},
		{0, [][]int{{1}, {2}, {1}}, 0, "core 2: child 1 has a place already"},
		{0, [][]int{{1}, {1}}, 0, "core 1: child 1 has a place already"},
		{0, [][]int{{1}, {7}}, 0, "core 1: child 7 of 2 cores"},
		{0, [][]int{{1}, {-1}}, 0, "core 1: child -1 of 2 cores"},
		{0, [][]int{{1}, nil, {3}, {2}}, 0, "2 of 3 cores are not below core 0: unusable tree: connect them"},
		{0, [][]int{nil, nil, {3}, nil}, 0, "1 of 1 cores are not below core 0"},
	} {
		_, err := NewTree(c.root, c.children, c.fan)
		if !errors.Is(err, ErrTree) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	for _, err := range []error{
		second(Balanced(nil, 2)), second(Balanced([]int{0, 1}, 0)), second(Balanced([]int{0, -1}, 2)), second(Balanced([]int{0, 0}, 2)),
	} {
		if !errors.Is(err, ErrTree) {
			t.Error(err)
		}
	}
}
