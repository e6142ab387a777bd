package supervise

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Policy is a tree of one group: what the flags of a run can say.
type Policy struct {
	Restart   Restart         // of cores that Cores does not name
	Cores     map[int]Restart // nil for none
	Strategy  Strategy
	Intensity Intensity
}

// Of returns the restart type of a core.
func (p *Policy) Of(core int) Restart {
	if r, ok := p.Cores[core]; ok {
		return r
	}
	return p.Restart
}

// Tree makes the tree of cores 0 to n-1.
func (p *Policy) Tree(n int) (*Tree, error) {
	root := &Node{Name: "run", Strategy: p.Strategy, Intensity: p.Intensity}
	for core := range n {
		root.Children = append(root.Children, &Node{Restart: p.Of(core), Core: core})
	}
	return New(root)
}

// ParseRestarts reads the restart types of all cores: one for all, and "CORE=TYPE" for
// those that differ, in a list with commas.
func (p *Policy) ParseRestarts(s string) error {
	q := Policy{Cores: map[int]Restart{}}
	for _, word := range strings.Split(s, ",") {
		core, name, one := strings.Cut(strings.TrimSpace(word), "=")
		if !one {
			name = core
		}
		r, err := ParseRestart(name)
		if err != nil {
			return err
		}
		if !one {
			q.Restart = r
			continue
		}
		i, err := strconv.Atoi(core)
		if err != nil || i < 0 {
			return fmt.Errorf("no core %q: write its number, such as 0=never", core)
		}
		q.Cores[i] = r
	}
	p.Restart, p.Cores = q.Restart, q.Cores
	return nil
}

// Restarts writes the restart types as ParseRestarts reads them.
func (p *Policy) Restarts() string {
	words := []string{p.Restart.String()}
	for _, core := range slices.Sorted(maps.Keys(p.Cores)) {
		words = append(words, fmt.Sprintf("%d=%s", core, p.Cores[core]))
	}
	return strings.Join(words, ",")
}
