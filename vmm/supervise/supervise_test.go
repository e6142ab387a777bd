package supervise

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// story is told line by line: at which second which core ends how, and what is decided.
type story []struct {
	at     float64
	core   int
	failed bool
	want   string
}

func (s story) check(t *testing.T, tree *Tree) {
	t.Helper()
	for _, e := range s {
		d := tree.Ended(e.core, e.failed, time.Unix(0, int64(e.at*1e9)))
		got := ""
		switch {
		case d.GiveUp:
			got = "give up: " + d.Why
		case len(d.Restart) > 0:
			got = fmt.Sprint(d.Restart)
		}
		if len(d.Stop) > 0 {
			got += fmt.Sprint(" and stop ", d.Stop)
		}
		if got != e.want {
			t.Errorf("at %v core %d ends (failed: %v): %q, want %q", e.at, e.core, e.failed, got, e.want)
		}
	}
}

func flat(t *testing.T, p Policy, n int) *Tree {
	t.Helper()
	if p.Intensity == (Intensity{}) {
		p.Intensity = Intensity{100, time.Second}
	}
	tree, err := p.Tree(n)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestRestartTypes(t *testing.T) {
	story{{0, 0, true, ""}, {0, 0, false, ""}, {0, 1, true, "[1]"}, {0, 1, false, ""}, {0, 2, true, "[2]"}, {0, 2, false, "[2]"}, {0, 9, true, ""}}.
		check(t, flat(t, Policy{Restart: Never, Cores: map[int]Restart{1: OnFailure, 2: Always}}, 3))
}

func TestStrategies(t *testing.T) {
	never := map[int]Restart{3: Never}
	story{{0, 1, true, "[1]"}, {0, 3, true, ""}}.check(t, flat(t, Policy{Restart: Always, Cores: never}, 4))
	story{{0, 1, true, "[0 1 2] and stop [3]"}, {0, 3, true, ""}}.check(t, flat(t, Policy{Restart: Always, Cores: never, Strategy: OneForAll}, 4))
	story{{0, 1, true, "[1 2] and stop [3]"}, {0, 0, true, "[0 1 2] and stop [3]"}, {0, 2, false, "[2] and stop [3]"}}.
		check(t, flat(t, Policy{Restart: Always, Cores: never, Strategy: RestForOne}, 4))
}

// TestIntensity: as many restarts as are allowed within any span, and not one more.
func TestIntensity(t *testing.T) {
	story{
		{0, 0, true, "[0]"}, {1, 1, true, "[1]"}, {5.5, 0, true, "[0]"}, {5.9, 0, true, "[0]"},
		{6.2, 1, true, "[1]"}, {7, 0, true, "give up: core 0 has ended again after 3 restarts within 5s"},
	}.check(t, flat(t, Policy{Restart: OnFailure, Intensity: Intensity{3, 5 * time.Second}}, 2))
	story{{0, 0, true, "give up: core 0 has ended again after 0 restarts within 1s"}}.check(t, flat(t, Policy{Restart: Always, Intensity: Intensity{0, time.Second}}, 1))
}

// TestEscalation: a group that restarts too often has failed, and is restarted as a
// whole, with new counts; its parent too gives up in the end.
func TestEscalation(t *testing.T) {
	group := &Node{Name: "workers", Restart: Always, Intensity: Intensity{1, 10 * time.Second}, Children: []*Node{
		{Core: 1, Restart: Always}, {Core: 2, Restart: Always}, {Core: 4, Restart: Never}}}
	root := &Node{Strategy: RestForOne, Intensity: Intensity{2, 10 * time.Second}, Children: []*Node{{Core: 0, Restart: Always}, group, {Core: 3, Restart: Always}}}
	tree, err := New(root)
	if err != nil {
		t.Fatal(err)
	}
	story{
		{0, 1, true, "[1]"}, {1, 2, true, "[1 2 3] and stop [4]"}, // the group had its one
		{2, 2, true, "[2]"}, {3, 1, true, "[1 2 3] and stop [4]"},
		{4, 3, true, "give up: core 3 has ended again after 2 restarts within 10s"},
	}.check(t, tree)
}

func TestAdd(t *testing.T) {
	tree := flat(t, Policy{Strategy: RestForOne}, 2)
	if err := tree.Add(5, Always); err != nil {
		t.Fatal(err)
	}
	if err := tree.Add(1, Always); err == nil {
		t.Error("a core was added twice")
	}
	story{{0, 5, true, "[5]"}, {0, 1, true, ""}}.check(t, tree)
	if _, err := New(&Node{}); err == nil {
		t.Error("a tree without cores was made")
	}
}

// TestNeverMoreThanAllowed: whatever happens, no span of the intensity's length has more
// restarts than it says, and a tree gives up only where one more would be too many.
func TestNeverMoreThanAllowed(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 0))
		limit := Intensity{rng.IntN(4), time.Duration(1+rng.IntN(5)) * time.Second}
		tree := flat(t, Policy{Restart: Always, Strategy: Strategy(rng.IntN(3)), Intensity: limit}, 1+rng.IntN(4))
		var at []time.Time
		now := time.Unix(0, 0)
		for range 100 {
			now = now.Add(time.Duration(rng.IntN(2000)) * time.Millisecond)
			at = slices.DeleteFunc(at, func(a time.Time) bool { return now.Sub(a) > limit.Within })
			d := tree.Ended(0, true, now)
			if full := len(at) >= limit.Restarts; d.GiveUp != full {
				t.Fatalf("seed %d: %d restarts within %v of %v: %+v", seed, len(at), limit.Within, limit, d)
			}
			if d.GiveUp {
				break
			}
			at = append(at, now)
		}
	}
}

func TestWords(t *testing.T) {
	var p Policy
	for in, want := range map[string]string{"always": "always", "on-failure,2=never, 0=always": "on-failure,0=always,2=never", "1=always": "never,1=always"} {
		if err := p.ParseRestarts(in); err != nil || p.Restarts() != want {
			t.Errorf("%q: %q, %v; want %q", in, p.Restarts(), err, want)
		}
	}
	for _, in := range []string{"", "sometimes", "x=never", "-1=never", "1=", "always,"} {
		if err := p.ParseRestarts(in); err == nil {
			t.Errorf("%q was read as %q", in, p.Restarts())
		}
	}
	if i, err := ParseIntensity("3/5s"); err != nil || i.String() != "3/5s" {
		t.Errorf("3/5s: %v, %v", i, err)
	}
	for _, in := range []string{"", "3", "3/", "/5s", "-1/5s", "3/0s", "3/-5s", "3/5"} {
		if i, err := ParseIntensity(in); err == nil {
			t.Errorf("%q was read as %v", in, i)
		}
	}
	for i, name := range StrategyNames {
		if s, err := ParseStrategy(name); err != nil || s != Strategy(i) || s.String() != name {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	if _, err := ParseStrategy("two-for-one"); err == nil {
		t.Error("two-for-one is no strategy")
	}
}
